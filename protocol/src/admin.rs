//! Admin actions and their responses.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::{
    pool::PoolSnapshot,
    time::{seconds, timestamp},
};

/// Admin action on a pool, as the last segment of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdminVerb {
    /// Ask a holder to stop.
    Revoke,
    /// End a lease.
    ForceRelease,
    /// Grant nothing.
    Pause,
    /// Grant again.
    Resume,
    /// Move a waiter to the front.
    Promote,
    /// Remove a waiter.
    Evict,
}

impl AdminVerb {
    /// All actions.
    pub const ALL: [Self; 6] =
        [Self::Revoke, Self::ForceRelease, Self::Pause, Self::Resume, Self::Promote, Self::Evict];

    /// The path segment.
    #[must_use]
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::ForceRelease => "force-release",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::Evict => "evict",
        }
    }

    /// The action with this path segment.
    #[must_use]
    pub fn parse(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.segment() == segment)
    }
}

/// Response to a force-release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForceReleased<S = String> {
    /// The pool.
    pub pool: S,
    /// Former holder.
    pub host: S,
    /// Fencing token of the ended lease.
    pub token: u64,
    /// Time it was held.
    #[serde(default, with = "seconds")]
    pub held: Option<Duration>,
    /// How long the former holder's command may keep running before it has to notice; `None`: unlimited.
    #[serde(default, with = "seconds")]
    pub may_run_for: Option<Duration>,
    /// Id of the store.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

/// Response to a revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked<S = String> {
    /// The pool.
    pub pool: S,
    /// Holder.
    pub host: S,
    /// Fencing token of the lease.
    pub token: u64,
    /// When the slot is free at the latest, by the server's clock; `None`: when the holder releases it.
    #[serde(default, with = "timestamp")]
    pub until: Option<SystemTime>,
    /// Whether the holder will be notified at its next renewal; `false` for one that never renews.
    pub notified: bool,
    /// Id of the store.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

/// Response to a resume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed<S = String> {
    /// The pool, after the action.
    #[serde(flatten, bound(deserialize = "S: Deserialize<'de> + Default"))]
    pub pool: PoolSnapshot<S>,
    /// Whether the pool had been paused; `None` from an older server.
    #[serde(default)]
    pub resumed: Option<bool>,
}

/// Response to a promote or an evict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueChange<S = String> {
    /// The pool.
    pub pool: S,
    /// The waiter's host.
    pub host: S,
    /// Its ticket.
    pub ticket: u64,
    /// Its new position; `None` if it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Id of the store.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

/// Response to a reload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded<S = String> {
    /// Number of pools in the configuration.
    pub pools: u64,
    /// Keys that changed and need a restart.
    pub need_restart: Vec<S>,
}

/// Response to `whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAmI<S = String> {
    /// Author under which actions of this client are recorded, unless it names another.
    pub author: S,
}
