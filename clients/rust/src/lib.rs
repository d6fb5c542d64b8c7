//! Client of a Distributex server.
//!
//! ```text
//!  Client::acquire ─► Lease, renewed in the background ─┬ release ─► the slot is free
//!                                                       └ lost ────► stop the work
//!  Client::{pools, pool, history} ─► snapshots and ended runs
//!  Client::events ─► Events ─► one Event after the other
//!  Client::operator ─► Operator ─► admin actions
//! ```
//!
//! For servers that support only the classic protocol there is [`ClassicClient`].

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
mod error;
mod event;
mod events;
mod failover;
mod give_back;
mod history;
mod http;
mod in_time;
mod key;
mod lease;
mod lease_record;
mod lease_status;
mod operator;
mod queries;
mod refusal;
mod renewal;
mod secret;
mod server;
mod server_set;
mod sse;
mod store_pin;
mod v1;

pub use distributex_protocol::{
    admin::{ForceReleased, QueueChange, Reloaded, Resumed, Revoked},
    error::ErrorKind,
    event::{EventData, EventName},
    history::{Run, RunEnd},
    lease::{EndedLease, RevocationNotice},
    pool::{Holder, Pause, PoolSnapshot, Queue, Revocation, Waiter},
};

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
    error::ClientError,
    event::Event,
    events::Events,
    key::{Key, KeyError},
    lease::Lease,
    lease_record::{LeaseId, LeaseRecord},
    lease_status::LeaseStatus,
    operator::Operator,
    queries::Response,
    refusal::{QueueInfo, Refusal},
    server::{Server, ServerError},
};
