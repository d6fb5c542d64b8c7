//! The lock service without HTTP: pools, leases and queues.
//!
//! | term | meaning |
//! | --- | --- |
//! | pool | a named resource with a fixed number of slots |
//! | lease | a slot held by one host for a limited time ([`pool::lease`]) |
//! | token | fencing number of a lease; rises with every lease of the pool ([`Token`]) |
//! | request, requester | an acquire request from arrival to response, and the host or owner behind it ([`AcquireRequest`], [`Requester`]) |
//! | owner | with the host, identifies a requester across requests: a repeated request resumes the earlier one ([`Requester::Owner`]) |
//! | queue, waiter | the waiters of a pool, first in first out ([`pool::queue`]) |
//! | ticket, position | public number of a queue entry, rising per pool ([`Ticket`]); its rank in the queue, 1 = next |
//! | patience | how long a queue entry or an undelivered lease of an owner is kept after its request ended |
//! | grant | a lease on its way to its requester; returns the slot when dropped undelivered ([`Grant`]) |
//! | backend, store | where leases live ([`backend`]), and the data behind it, with a random id |
//! | admin action | revoke, force-release, pause, resume, promote, evict ([`AdminAction`]) |
//! | run | a lease from grant to end, as the history keeps it ([`telemetry::runs`]) |
//! | state directory | where the in-memory backend persists its pools ([`StateDirectory`]) |
//!
//! A pool has *rules* ([`pool::rules`]): plain data that is given the time; and an *actor* ([`pool::actor`]): a thin
//! shell with a mailbox, one timer and the response channels. The [`backend::Backend`] connects the two.
//!
//! ```text
//!  PoolHandle ──message──► PoolActor ──acquire, cancel, renew, release──► Backend (rules, queue)
//!      ▲                       │   ▲                                         │
//!      └─────── response ──────┘   └──── granted, ended, store down, … ──────┘
//! ```

pub mod backend;
mod exit_on_panic;
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
pub use registry::{Pools, Registry};
pub use state::{CannotOpen, StateDirectory};
pub use telemetry::{PoolTelemetry, Telemetry};
