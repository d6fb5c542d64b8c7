//! What anybody may know of a pool: no secrets.

use std::{sync::Arc, time::Duration};

use distributex_config::Name;
use tokio::time::Instant;

use super::{Operator, Revocation, Ticket, Token};

/// So many holders, and so many who wait, are told at once.
pub const MAX_SHOWN: usize = 100;

/// Behind whom a page of a pool's state begins: by default, at the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageCursor {
    /// Behind the holder with this token.
    pub token: Token,
    /// Behind the waiter with this ticket.
    pub ticket: Ticket,
}

/// A pool at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSnapshot {
    /// How many leases there may be at once.
    pub slots: u32,
    /// How many there are.
    pub held: usize,
    /// Who holds a slot, the oldest lease first: [`MAX_SHOWN`] of them at most.
    pub holders: Vec<Holder>,
    /// How many stand in line.
    pub waiting: usize,
    /// The first of them, [`MAX_SHOWN`] at most.
    pub waiters: Vec<WaiterSnapshot>,
    /// Where the next page begins, if there are more holders or more who wait.
    pub next: Option<PageCursor>,
    /// Who paused the pool, if it is paused.
    pub paused: Option<Operator>,
    /// Whether the pool was taken out of the configuration.
    pub removed: bool,
}

/// A pool in numbers, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// How many leases there may be at once.
    pub slots: u32,
    /// How many there are.
    pub held: usize,
    /// How many stand in line.
    pub waiting: usize,
    /// When the oldest lease was granted.
    pub held_since: Option<Instant>,
    /// Since when the first in line has stood there.
    pub waiting_since: Option<Instant>,
    /// Whether the pool is paused.
    pub paused: bool,
    /// Whether the pool is neither in the configuration nor in use.
    pub gone: bool,
}

/// Who holds a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// As which host.
    pub host: Name,
    /// The fencing number of the lease.
    pub token: Token,
    /// How long ago it was granted.
    pub held: Duration,
    /// When it ends without renewal; `None`: never.
    pub until: Option<Instant>,
    /// What the slot is for, if that was said.
    pub command: Option<Arc<str>>,
    /// Who revoked the lease, if it is revoked.
    pub revoked: Option<Arc<Revocation>>,
    /// When the slot is free at the latest if the lease is revoked; `None`: not before its holder gives it back.
    pub free_at: Option<Instant>,
}

/// Who stands in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiterSnapshot {
    /// The number of the place.
    pub ticket: Ticket,
    /// As which host.
    pub host: Name,
    /// For how long it has stood there.
    pub waited: Duration,
    /// Whether a request of it is parked; otherwise the place waits for it to come back.
    pub present: bool,
}
