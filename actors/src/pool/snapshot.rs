//! Public state of a pool: nothing in it is secret.

use std::{sync::Arc, time::Duration};

use distributex_config::Name;
use tokio::time::Instant;

use super::{Operator, Revocation, Ticket, Token};

/// Maximum number of holders, and of waiters, on one page.
pub const MAX_SHOWN: usize = 100;

/// Where a page of a snapshot begins; the default is the first page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageCursor {
    /// After the holder with this token.
    pub token: Token,
    /// After the waiter with this ticket.
    pub ticket: Ticket,
}

/// The state of a pool at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSnapshot {
    /// Maximum number of leases.
    pub slots: u32,
    /// Number of leases.
    pub held: usize,
    /// Holders, the oldest lease first; at most [`MAX_SHOWN`].
    pub holders: Vec<Holder>,
    /// Number of waiters.
    pub waiting: usize,
    /// The first waiters; at most [`MAX_SHOWN`].
    pub waiters: Vec<WaiterSnapshot>,
    /// Where the next page begins, if there are more holders or waiters.
    pub next: Option<PageCursor>,
    /// Who paused the pool, if it is paused.
    pub paused: Option<Operator>,
    /// Whether the pool was removed from the configuration.
    pub removed: bool,
}

/// Counts of a pool at one moment, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Maximum number of leases.
    pub slots: u32,
    /// Number of leases.
    pub held: usize,
    /// Number of waiters.
    pub waiting: usize,
    /// When the oldest lease was granted.
    pub held_since: Option<Instant>,
    /// When the first waiter was queued.
    pub waiting_since: Option<Instant>,
    /// Whether the pool is paused.
    pub paused: bool,
    /// Whether the pool is neither in the configuration nor in use.
    pub gone: bool,
}

/// Holder of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its host.
    pub host: Name,
    /// Fencing token of the lease.
    pub token: Token,
    /// How long ago it was granted.
    pub held: Duration,
    /// When it expires without renewal; `None`: never.
    pub until: Option<Instant>,
    /// Note of the request.
    pub command: Option<Arc<str>>,
    /// The revocation, if the lease is revoked.
    pub revoked: Option<Arc<Revocation>>,
    /// When the slot of a revoked lease is free at the latest; `None`: when its holder releases it.
    pub free_at: Option<Instant>,
}

/// Entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiterSnapshot {
    /// Ticket.
    pub ticket: Ticket,
    /// Host.
    pub host: Name,
    /// Time in the queue.
    pub waited: Duration,
    /// Whether a request of the waiter is parked; otherwise the entry is kept for its patience.
    pub present: bool,
}
