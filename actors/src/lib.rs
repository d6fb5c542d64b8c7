//! What a lock service is: pools, leases and lines. Knows no HTTP.
//!
//! | word | meaning here |
//! | --- | --- |
//! | pool | a named resource with a fixed number of slots |
//! | lease | a slot that is held: by whom, since when, until when ([`pool::lease`]) |
//! | token | the fencing number of a lease: rises with every grant of the pool ([`Token`]) |
//! | ask | one request for a slot, from its arrival to its answer ([`RequestId`]) |
//! | line | the asks that wait, first come, first served ([`pool::queue`]) |
//! | ticket | the public number of a place in the line: rises per pool ([`Ticket`]) |
//! | grant | a lease on its way to an asker; gives itself back when nobody hears of it ([`Grant`]) |
//! | backend | where leases live ([`backend`]) |
//! | lever | what an operator can do to a pool ([`AdminAction`]) |
//! | run | a lease from its grant to its end, as the history of a pool tells of it ([`telemetry::runs`]) |
//! | state directory | what a backend in memory keeps on the disk ([`StateDirectory`]) |
//!
//! A pool is two things: its *rules* ([`pool::rules`]) are plain data that is told the time, its *actor*
//! ([`pool::actor`]) is a thin shell with a mailbox, one timer and the reply channels. Between them stands
//! the [`backend::Backend`].
//!
//! ```text
//!  PoolHandle ──message──► PoolActor ──enter, leave, renew, release──► Backend (rules, line)
//!      ▲                       │   ▲                                       │
//!      └──────── answer ───────┘   └── granted, ended, placed, away, back ─┘
//! ```

pub mod backend;
mod json;
mod parking;
pub mod pool;
mod registry;
mod state;
pub mod telemetry;

pub use parking::{ClientAddress, ParkingLimit, ParkingPermit};
pub use pool::actor::PoolActor;
pub use pool::grant::Grant;
pub use pool::handle::{Denial, PoolHandle};
pub use pool::{
    AcquireRequest, AdminAction, AdminOutcome, Delivery, EndReason, EndedLease, Event, Holder, LeaseDetails,
    LeaseId, Operator, PageCursor, PoolCounts, PoolSnapshot, Refusal, ReleaseTarget, RequestId, Requester,
    Revocation, Ticket, Token, WaiterSnapshot,
};
pub use registry::{NotAvailable, Pools, Registry};
pub use state::{CannotOpen, StateDirectory};
pub use telemetry::{PoolTelemetry, Telemetry};
