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
mod address;
mod alarm;
mod api;
mod ask;
mod asker;
mod backoff;
mod boottime;
mod by_id;
mod classic;
mod connection;
mod dial;
mod ended;
mod error;
mod event;
mod events;
mod history;
mod in_time;
mod key;
mod kind;
mod lease;
mod leave;
mod line;
mod look;
mod lookup;
mod operator;
mod pin;
mod question;
mod record;
mod renewal;
mod route;
mod secret;
mod server;
mod standing;
mod state;
mod stream;
mod units;
mod v1;
mod wire;

pub use self::{
    acquire::Progress,
    alarm::sleep_until,
    api::Client,
    ask::Ask,
    backoff::Backoff,
    boottime::BootTime,
    classic::{Answer, Call, Classic},
    ended::{Ended, Revoke},
    error::AskError,
    event::Event,
    events::Events,
    history::{How, Run},
    key::{Key, KeyError},
    kind::{Kind, Refusal},
    lease::Lease,
    line::{Holder, Line, Revocation},
    lookup::off_thread,
    operator::{Forced, Moved, Operator, Reloaded, Resumed, Revoked},
    question::Question,
    record::{LeaseId, LeaseRecord},
    server::{Server, ServerError},
    standing::Standing,
    state::{Paused, PoolState, Seen, Waiter, WaitingLine},
};
