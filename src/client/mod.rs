//! Asking a server for a slot: where it is, what can be asked, and what it may answer.
//!
//! ```text
//!  Classic::ask ─► Question ─┬ answer ─► Answer
//!                            └ leave ──► the end of the connection, and a slot that came too late
//! ```

mod backoff;
mod boottime;
mod classic;
mod connection;
mod lookup;
mod question;
mod server;
mod standing;

pub use self::{
    backoff::Backoff,
    boottime::BootTime,
    classic::{Answer, Call, Classic},
    lookup::off_thread,
    question::Question,
    server::{Server, ServerError},
    standing::Standing,
};

use thiserror::Error;

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// No connection could be made: the name, the network, or nobody listens there.
    #[error("cannot reach {server}: {why}")]
    Unreachable {
        /// Who was asked.
        server: Server,
        /// What the system says.
        why: String,
    },
    /// There was a connection, and it ended too early.
    #[error("{server} ended the connection without an answer ({why})")]
    Broken {
        /// Who was asked.
        server: Server,
        /// How it ended.
        why: String,
    },
    /// Something answers there, but it is no lock server.
    #[error("{server} answered something that is no Distributex answer (status {status}: {body:?})")]
    Strange {
        /// Who was asked.
        server: Server,
        /// The HTTP status.
        status: u16,
        /// How the body starts.
        body: String,
    },
}
