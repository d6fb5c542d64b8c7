//! One pool: its words, its rules, its line and its actor.

pub mod actor;
mod ask;
mod event;
pub mod grant;
pub mod handle;
pub mod kept;
pub mod lease;
mod lever;
pub mod line;
mod names;
mod ranks;
mod revoked;
pub mod rules;
mod state;
mod stored;
mod terms;
pub mod undo;
mod unrecorded;
mod watched;

pub use self::{
    ask::{Ask, AskId, Asker},
    event::{Ended, Ending, Event, Granted, Leased, Refusal},
    lever::{Lever, Operator, Pulled},
    names::{LeaseId, Ticket, Token},
    revoked::Revoked,
    state::{After, Counts, Holder, SHOWN, State, Waiting},
};

/// What a release is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The lease with this secret name.
    Lease(LeaseId),
    /// Whatever this asker has: its lease, or its place if it is one that comes back.
    By(Asker),
}
