//! Snapshots of pools: holders, queue, pause.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::time::{seconds, timestamp};

/// State of all pools, or one page of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolsPage<S = String> {
    /// The pools, in the order of the configuration.
    pub pools: Vec<PoolSnapshot<S>>,
    /// The `after` of the next page; `None` on the last one.
    #[serde(default = "Option::default")]
    pub next: Option<S>,
    /// Id of the store; `None` if the pools are in several.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

/// State of a pool at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSnapshot<S = String> {
    /// Name of the pool.
    pub name: S,
    /// Maximum number of leases.
    pub slots: u64,
    /// Number of leases; more than `slots` after these were reduced.
    pub held: u64,
    /// Holders, the oldest lease first; at most a hundred per page.
    pub holders: Vec<Holder<S>>,
    /// Waiters.
    pub queue: Queue<S>,
    /// The `after` of the next page of holders and waiters; `None` on the last one.
    #[serde(default)]
    pub next: Option<String>,
    /// Who paused the pool; `None` if it is not paused.
    #[serde(default = "Option::default")]
    pub paused: Option<Pause<S>>,
    /// Whether the pool was removed from the configuration: nothing is granted, its leases live on.
    #[serde(default)]
    pub removed: bool,
    /// Whether the pool's store is unreachable: then this is the state of the last contact.
    #[serde(default)]
    pub store_down: bool,
    /// Id of the store; `None` until it was reached.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

/// Holder of a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder<S = String> {
    /// Host.
    pub host: S,
    /// Fencing token.
    pub token: u64,
    /// Start of the lease, by the server's clock.
    #[serde(default, with = "timestamp")]
    pub since: Option<SystemTime>,
    /// Time until the lease ends unless it is renewed; `None`: unlimited.
    #[serde(default, with = "seconds")]
    pub expires_in: Option<Duration>,
    /// Note of the request.
    #[serde(default = "Option::default")]
    pub command: Option<S>,
    /// Set if an operator asked the holder to stop.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation<S>>,
    /// Id of the store, where the holder is the whole response.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub store: Option<S>,
}

/// Revocation of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation<S = String> {
    /// Operator.
    pub author: S,
    /// The operator's reason.
    pub reason: S,
    /// When the slot is free at the latest, by the server's clock; `None`: when the holder releases it.
    #[serde(default, with = "timestamp")]
    pub until: Option<SystemTime>,
}

/// Pause of a pool: nothing is granted until it is resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause<S = String> {
    /// Operator.
    pub author: S,
    /// The operator's reason.
    pub reason: S,
    /// Start of the pause, by the server's clock.
    #[serde(default, with = "timestamp")]
    pub since: Option<SystemTime>,
}

/// Queue of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue<S = String> {
    /// Number of waiters.
    pub length: u64,
    /// Waiters in order; at most a hundred per page.
    pub waiters: Vec<Waiter<S>>,
}

/// Entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter<S = String> {
    /// Ticket; rises with every entry of the pool.
    pub ticket: u64,
    /// Host.
    pub host: S,
    /// Time in the queue.
    #[serde(with = "seconds")]
    pub waited: Option<Duration>,
    /// Whether a request of the waiter is parked; otherwise the entry is kept for its patience.
    pub present: bool,
}
