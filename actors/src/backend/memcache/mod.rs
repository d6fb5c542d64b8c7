//! Memcache backend: several servers share the leases, and a server that restarts loses nothing.
//!
//! | module | content |
//! | --- | --- |
//! | here, `backend`, `inbox`, `apply`, `reconcile` | a pool: its queue, the requests of its next job, and the outcome of a job |
//! | [`Shards`] | the store: all memcached of the configuration |
//! | `job` | a job: what a pool requests at once, and how it is carried out by add, compare-and-swap and compare-and-delete |
//! | `fate` | writes without a reply, which may still happen |
//! | `entry` | entries in memcached and their keys |
//! | `shard` | one memcached: threads, connections, commands, reachability, memory and clock |
//!
//! ```text
//!  acquire, renew, release ──► inbox ──► job, one at a time ──► a thread of the shard ──► memcached
//!                                                                         │
//!  answered, refused, store down ◄── apply ◄── done, with a new view ◄────┘
//! ```
//!
//! A pool has one job in flight; requests that arrive meanwhile go into the next one. The queue is that of this
//! server; a job carries its head, so that a freed slot is granted in the exchange that frees it, or that finds it
//! free. Slots that other servers free, or leave to earlier waiters, are found by polling while there are waiters.
//!
//! *Admin actions.* A force-release ends a lease whichever server granted it; that server finds it vanished at its
//! next read. A pause is stored in memcached, without an expiry, until it is resumed, and every server that reads the
//! pool sees it: once the pause is answered, only the holders that this answer shows have slots. Waiters at other
//! servers are granted slots after their server's next read. Limits: a memcached that is restarted has lost the pause
//! together with the leases; a server of a version that does not know pauses keeps granting; and as the queue is that
//! of one server, tickets of other servers are unknown here, and a promoted waiter is first among the waiters of this
//! server only.
//!
//! *While memcached is unreachable* nothing is granted, no request is answered that a lease is held or lost, and
//! parked requests stay parked for `memcache.outage`. A write without a reply may have happened, or may happen later;
//! see `fate`.

mod apply;
mod backend;
mod entry;
mod fate;
mod inbox;
mod job;
mod reconcile;
mod shard;
mod store;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use distributex_config as config;
use distributex_config::{Limits, Name};
use tokio::time::Instant;

pub use self::store::Shards;
use self::{
    entry::{ServerRunId, keys::KeyNames},
    fate::WriteFates,
    inbox::{Inbox, LeaseMeta, PendingEnd, VanishedLease},
    job::{Claim, Job, JobDone, order::ForeignWaiters, view::PoolView},
    shard::Shard,
};
use super::Waker;
use crate::pool::{LeaseId, RequestId, Token, rules::Rules};

/// Maximum number of waiters in one job.
const MAX_CANDIDATES: usize = 32;

/// Maximum number of new requests in one job, whose time grows with their square.
const MAX_NEW_REQUESTS: usize = 256;

/// Slots up to which a pool is polled at the configured interval; larger pools are polled less often, so that polling
/// costs memcached the same.
const SLOTS_PER_POLL: u32 = 7;

/// Maximum factor by which the poll interval is extended.
const MAX_POLL_FACTOR: u32 = 10;

/// Interval of reads while memcached is unreachable.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// A pool in memcached.
#[derive(Debug)]
pub struct Memcache {
    /// Name of the pool.
    name: Name,
    /// Leases and queue.
    rules: Rules,
    /// Number of slots.
    slots: usize,
    /// Maximum ttl; `None`: unlimited.
    expire: Option<Duration>,
    /// Poll interval of small pools.
    min_poll: Duration,
    /// Poll interval of this pool, used while there are waiters.
    poll: Duration,
    /// How long requests stay parked while memcached is unreachable.
    outage: Duration,
    /// The memcached of this pool.
    shard: Shard,
    /// Keys of the pool.
    keys: Arc<KeyNames>,
    /// This run of this server.
    server: ServerRunId,
    /// Wakes the pool when a job is done.
    waker: Waker,
    /// The last view of the pool; empty while a job is in flight.
    view: PoolView,
    /// Waiters at other servers.
    foreign_waiters: ForeignWaiters,
    /// Notes on leases besides the rules.
    lease_meta: HashMap<Token, LeaseMeta>,
    /// Highest token seen.
    highest_token: u64,
    /// Requests of the next job.
    pending: Inbox,
    /// Requests that were cancelled before they were answered.
    cancelled: HashSet<RequestId>,
    /// The job in flight.
    in_flight: Option<InFlightJob>,
    /// Writes without a reply, which may still arrive.
    fates: WriteFates,
    /// The finished job.
    done: Arc<Mutex<Option<JobDone>>>,
    /// When to read again; `None`: not needed.
    next_read: Option<Instant>,
    /// State of an outage; `None` while memcached is reachable.
    outage_state: Option<OutageState>,
    /// Leases that vanished before their end.
    vanished: HashMap<LeaseId, VanishedLease>,
    /// Number of vanished leases whose holder tried to renew them.
    refused_renewals: u64,
}

/// A job in flight.
#[derive(Debug)]
struct InFlightJob {
    /// When it was built. Leases that it grants or renews are counted from here, so that holders do not rely on more
    /// than memcached keeps.
    at: Instant,
    /// Requests in it.
    pending: Inbox,
    /// Number of its claims that are waiters: the head of the queue, and those that already hold a lease.
    candidates: usize,
}

/// Outage of memcached.
#[derive(Debug, Clone, Copy)]
struct OutageState {
    /// Until when requests stay parked; `None` once they were refused.
    parked_until: Option<Instant>,
}

impl Memcache {
    /// Creates the pool; `waker` wakes its actor.
    #[must_use]
    pub fn new(settings: config::Pool, limits: Limits, shards: &Shards, waker: Waker) -> Self {
        let config::MemcacheSettings { poll, outage, ref prefix, .. } = *shards.settings();
        Self {
            shard: shards.of(&settings.name).clone(),
            keys: Arc::new(KeyNames::new(prefix, &settings.name)),
            server: shards.server(),
            slots: settings.slots as usize,
            expire: settings.expire,
            min_poll: poll,
            poll: poll * poll_factor(settings.slots),
            outage,
            name: settings.name.clone(),
            rules: Rules::remote(settings, limits),
            waker,
            view: PoolView::default(),
            foreign_waiters: ForeignWaiters::default(),
            lease_meta: HashMap::new(),
            highest_token: 0,
            pending: Inbox::default(),
            cancelled: HashSet::new(),
            in_flight: None,
            fates: WriteFates::default(),
            done: Arc::default(),
            next_read: None,
            outage_state: None,
            vanished: HashMap::new(),
            refused_renewals: 0,
        }
    }

    /// Starts the next job if there is something to do and none is in flight.
    fn start_next_job(&mut self, now: Instant) {
        if self.in_flight.is_some() {
            return;
        }
        self.schedule_ends(now);
        let is_due = self.next_read.is_some_and(|at| at <= now);
        if is_due {
            self.next_read = None;
        }
        let reads = is_due && self.needs_read();
        if !reads && self.pending.is_empty() {
            return;
        }
        let job = self.job(now);
        let (done, waker) = (Arc::clone(&self.done), self.waker.clone());
        let reply = move |outcome| {
            *done.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            waker.wake();
        };
        self.shard.run(job, reply);
    }

    /// Whether the store has a hint of waiters here.
    fn has_hint(&self) -> bool {
        self.view.hint_of(self.server).is_some()
    }

    /// Whether a read without a request may be useful.
    fn needs_read(&self) -> bool {
        self.rules.has_waiters() || self.outage_state.is_some() || self.has_hint() || self.fates.is_open()
    }

    /// Schedules the end of overdue leases. Other servers end their own leases; a lease that was granted here but is
    /// ended by memcached is watched until it is gone.
    fn schedule_ends(&mut self, now: Instant) {
        for token in self.rules.take_overdue() {
            let Some(id) = self.rules.lease(token).and_then(|lease| lease.id) else { continue };
            if self.lease_meta.get(&token).is_some_and(|meta| meta.is_ours || meta.began_here) {
                let known = Some((token, self.rules.expiry_reason(token)));
                self.pending.ends.push(PendingEnd { id, known, by: None });
            } else if self.rules.has_waiters() {
                self.next_read = Some(now);
            } else {
                self.rules.forget(token);
                self.lease_meta.remove(&token);
            }
        }
    }

    /// Builds a job of all requests. New requests get no slot before all waiters.
    fn job(&mut self, now: Instant) -> Job {
        let later = self.pending.requests.split_off(MAX_NEW_REQUESTS.min(self.pending.requests.len()));
        let pending = mem::replace(&mut self.pending, Inbox { requests: later, ..Inbox::default() });
        let max_waiters = MAX_CANDIDATES.min(self.slots);
        let mut waiters = self.rules.head_of_queue(max_waiters + 1);
        let behind = waiters.split_off(max_waiters.min(waiters.len()));
        let candidates = waiters.len();
        let behind = behind.first().map(|waiter| now - waiter.since);
        let order = self.foreign_waiters.order(candidates, behind, self.poll, now);
        let wants = self.rules.may_serve_after(candidates);
        let mut claims: Vec<_> = waiters.into_iter().map(|waiter| Claim::new(waiter, true, now)).collect();
        for waiter in self.rules.waiting_holders(MAX_CANDIDATES) {
            if claims.iter().all(|claim| claim.requester != waiter.requester) {
                claims.push(Claim::new(waiter, false, now));
            }
        }
        let candidates = claims.len();
        for request in &pending.requests {
            claims.push(Claim::new(&self.rules.as_waiter(request, now), wants, now));
        }
        let job = Job {
            keys: Arc::clone(&self.keys),
            server: self.server,
            slots: self.slots,
            view: mem::take(&mut self.view),
            highest_token: self.highest_token,
            pausing: pending.pausing(),
            ends: pending.ends(),
            revokes: pending.revokes(),
            renewals: pending.renewals(self.expire),
            claims,
            order,
            unsettled: self.fates.unsettled.clone(),
            refused: None,
        };
        self.in_flight = Some(InFlightJob { at: now, pending, candidates });
        job
    }
}

/// Factor of the poll interval for a pool with this number of slots.
fn poll_factor(slots: u32) -> u32 {
    slots.div_ceil(SLOTS_PER_POLL).min(MAX_POLL_FACTOR)
}
