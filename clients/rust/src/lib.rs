//! Asking a server for a slot: where it is, what can be asked, and what it may answer.
//!
//! ```text
//!  Client::acquire ─► Lease, which renews itself ─┬ release ─► the slot is free
//!                                                 └ lost ────► stop what you are doing
//! ```
//! Who looks at it from outside, and gets it moving again:
//!
//! ```text
//!  Client::pools, pool, history ─► how it stands, and how it went
//!  Client::events ─► Events ─► one Event after the other
//!  Client::operator ─► Operator ─► force_release, revoke, pause, resume, to_front, remove, reload
//! ```
//! That is the v1 protocol. The classic one, for servers that know no other:
//!
//! ```text
//!  Classic::ask ─► Question ─┬ answer ─► Answer
//!                            └ leave ──► the end of the connection, and a slot that came too late
//! ```

mod acquire;
mod acquire_options;
mod address;
mod api;
mod backoff;
mod blocking;
mod boottime;
mod boottime_sleep;
mod classic;
mod classic_exchange;
mod connection;
mod connector;
mod detached;
mod ended_lease;
mod error;
mod event;
mod events;
mod failover;
mod give_back;
mod history;
mod http;
mod in_time;
mod key;
mod kind;
mod lease;
mod lease_record;
mod lease_status;
mod operator;
mod queries;
mod queue_info;
mod renewal;
mod secret;
mod server;
mod server_set;
mod snapshot;
mod sse;
mod store_pin;
mod v1;
mod wire_time;

pub use self::{
    acquire::Progress,
    acquire_options::AcquireOptions,
    api::Client,
    backoff::Backoff,
    blocking::run_blocking,
    boottime::BootTime,
    boottime_sleep::sleep_until,
    classic::{ClassicAnswer, ClassicCall, ClassicClient},
    classic_exchange::ClassicExchange,
    ended_lease::{EndedLease, RevocationNotice},
    error::ClientError,
    event::Event,
    events::Events,
    history::{EndReason, Run},
    key::{Key, KeyError},
    kind::{ErrorKind, Refusal},
    lease::Lease,
    lease_record::{LeaseId, LeaseRecord},
    lease_status::LeaseStatus,
    operator::{ForceReleased, Operator, QueueChange, Reloaded, Resumed, Revoked},
    queue_info::{Holder, QueueInfo, Revocation},
    server::{Server, ServerError},
    snapshot::{Paused, PoolSnapshot, Queue, Response, Waiter},
};
