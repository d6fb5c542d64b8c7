//! Ended runs of a pool.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::time::{seconds, timestamp};

/// History of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History<S = String> {
    /// The pool.
    pub pool: S,
    /// Ended runs, the latest first.
    pub runs: Vec<Run<S>>,
    /// Id of the store.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

/// A lease from grant to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run<S = String> {
    /// Holder.
    pub host: S,
    /// Fencing token.
    pub token: u64,
    /// Note of the request.
    #[serde(default = "Option::default")]
    pub command: Option<S>,
    /// Time spent in the queue.
    #[serde(default, with = "seconds")]
    pub waited: Option<Duration>,
    /// Time the lease was held.
    #[serde(default, with = "seconds")]
    pub held: Option<Duration>,
    /// Start of the lease, by the server's clock.
    #[serde(default, with = "timestamp")]
    pub since: Option<SystemTime>,
    /// End of the lease, by the server's clock.
    #[serde(default, with = "timestamp")]
    pub ended_at: Option<SystemTime>,
    /// Word of the event that ended it.
    pub how: S,
    /// Exit status of the holder's command, if reported.
    #[serde(default)]
    pub exit_status: Option<u8>,
    /// Operator who ended or revoked the lease.
    #[serde(default = "Option::default")]
    pub author: Option<S>,
    /// The operator's reason.
    #[serde(default = "Option::default")]
    pub reason: Option<S>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// By its holder.
    Released,
    /// Without a renewal.
    Expired,
    /// By an operator.
    ForceReleased,
    /// It was no longer in the store.
    Vanished,
    /// For a reason that only a later server knows.
    Other,
}

impl<S: AsRef<str>> Run<S> {
    /// Why the run ended.
    #[must_use]
    pub fn end(&self) -> RunEnd {
        match self.how.as_ref() {
            "released" => RunEnd::Released,
            "expired" => RunEnd::Expired,
            "force_released" => RunEnd::ForceReleased,
            "vanished" => RunEnd::Vanished,
            _ => RunEnd::Other,
        }
    }
}
