//! Asking a server for a slot: where it is, what can be asked, and what it may answer.
//!
//! ```text
//!  Client::acquire ─► Lease, which renews itself ─┬ release ─► the slot is free
//!                                                 └ lost ────► stop what you are doing
//! ```
//! That is the v1 protocol. The classic one, for servers that know no other:
//!
//! ```text
//!  Classic::ask ─► Question ─┬ answer ─► Answer
//!                            └ leave ──► the end of the connection, and a slot that came too late
//! ```

mod acquire;
mod alarm;
mod api;
mod ask;
mod asker;
mod backoff;
mod boottime;
mod by_id;
mod classic;
mod connection;
mod error;
mod kind;
mod lease;
mod leave;
mod line;
mod look;
mod lookup;
mod pin;
mod question;
mod record;
mod renewal;
mod route;
mod secret;
mod server;
mod standing;
mod state;
mod units;
mod v1;
mod wire;

pub use self::{
    acquire::Progress,
    api::Client,
    ask::Ask,
    backoff::Backoff,
    boottime::BootTime,
    classic::{Answer, Call, Classic},
    error::AskError,
    kind::{Kind, Refusal},
    lease::Lease,
    line::{Holder, Line},
    lookup::off_thread,
    question::Question,
    record::{LeaseId, LeaseRecord},
    server::{Server, ServerError},
    standing::Standing,
    state::{PoolState, Seen, Waiter, WaitingLine},
};
