//! Refusals of a server.

use std::fmt;

use distributex_protocol::error::{ErrorBody, ErrorKind};

use crate::{EndedLease, Holder, Pause};

/// Refusal of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Kind, for programs.
    pub kind: ErrorKind,
    /// The server's sentence: what is wrong and what to do.
    pub message: String,
    /// Queue and holders of the pool, for kinds that are [contention](ErrorKind::is_contention).
    pub queue: Option<Box<QueueInfo>>,
    /// How the lease ended, for [`ErrorKind::LeaseLost`], if the server remembers.
    pub ended: Option<Box<EndedLease>>,
}

/// Queue and holders of a pool that has no slot for a requester.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueInfo {
    /// The requester's position, 1 = next, or the one it would have.
    pub position: Option<u64>,
    /// Number of waiters.
    pub length: Option<u64>,
    /// Holders, at most a hundred.
    pub holders: Vec<Holder>,
    /// Set if the pool is paused.
    pub paused: Option<Pause>,
}

impl Refusal {
    /// Reads the body of an error with this status.
    pub(crate) fn new(status: u16, body: ErrorBody) -> Self {
        let ErrorBody { kind, message, position, queue_length, holders, paused, ended, store: _ } = body;
        let kind = ErrorKind::parse(&kind, status);
        let queue = kind.is_contention().then(|| {
            Box::new(QueueInfo {
                position,
                length: queue_length,
                holders: holders.unwrap_or_default(),
                paused,
            })
        });
        Self { kind, message, queue, ended: ended.map(Box::new) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
