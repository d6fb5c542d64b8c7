//! One pool: its types, rules, queue and actor.

mod access;
mod action;
pub mod actor;
mod admin;
mod change_log;
mod event;
pub mod grant;
pub mod handle;
pub mod lease;
mod names;
pub mod persistence;
mod positions;
pub mod queue;
mod remote;
mod request;
mod revocation;
pub mod rules;
mod snapshot;
pub mod undo;
mod unrecorded;

pub use self::{
    action::{AdminAction, AdminOutcome, Operator},
    event::{Delivery, EndReason, EndedLease, Event, LeaseDetails, Refusal},
    names::{LeaseId, Ticket, Token},
    request::{AcquireRequest, RequestId, Requester},
    revocation::Revocation,
    snapshot::{Holder, MAX_SHOWN, PageCursor, PoolCounts, PoolSnapshot, WaiterSnapshot},
};

/// What a release ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseTarget {
    /// The lease with this secret id.
    Lease(LeaseId),
    /// Whatever this requester has: its lease, or its queue entry if the requester is resumable.
    Requester(Requester),
}
