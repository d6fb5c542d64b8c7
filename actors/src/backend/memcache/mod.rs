//! Leases in memcached: several servers share one truth, and a server that restarts loses nothing.
//!
//! | part | what it is |
//! | --- | --- |
//! | here, `pending`, `answers` | a pool's line, what it wants of its memcached, and what becomes of the answers |
//! | `job` | what a pool wants in one go |
//! | `round`: `plan`, `send`, `look`, `settle` | how a job is done: every change is add, compare-and-swap or compare-and-delete |
//! | `fate` | writes without an answer, which may still happen |
//! | `revoke` | leases that are revoked: who did it stands in them |
//! | `order` | who came first, of those who wait at several servers |
//! | `view`, `entry`, `pause`, `store`, `keys` | what stands in memcached, and where |
//! | `shard`, `gate`, `link`, `address`, `protocol`, `stats`, `memory`, `time` | one memcached: threads, connections, commands, whether it is there and has room, and its clock |
//!
//! ```text
//!  enter, renew, release, look ─► pending ─► job ──► a thread of the shard ──► memcached
//!                                             │ one at a time                     │
//!  granted, refused, seen, away … ◄─ settled ◄┴─ done, with what stands there now ┘
//! ```
//!
//! A pool has one job under way at a time; what is asked meanwhile goes into the next one. The line is that of
//! this server; a job carries the first in line, so that a slot is given on in the exchange that frees it, or
//! that finds it free. Slots that other servers free, or leave to those who came first, are found by looking from
//! time to time, while somebody waits.
//!
//! Levers: a lease that is ended by force is ended whichever server granted it; that one finds it gone when it
//! looks next. A pause stands in memcached until it is resumed, without an end of its own, and every server that
//! looks sees it: once it is answered, nobody gets a slot whom its answer does not show as a holder. Those who wait
//! elsewhere are served when their own server looks next. What limits this: a memcached that is restarted has
//! forgotten the pause, as it has the leases; a server of a version that does not know of pauses grants on; and the
//! line is that of one server alone, so tickets of others are not known here, and who is moved to the front stands
//! before those who wait here.
//!
//! What this promises when memcached is away: nobody is granted anything, nobody is told that they hold or lost
//! anything, and who is parked stays parked for a while. A write without an answer may have happened, or happen later:
//! `fate` tells what becomes of it.

mod address;
mod apply;
mod circuit_breaker;
mod clock;
mod commands;
mod connection_pool;
mod entry;
mod fate;
#[cfg(test)]
mod full_tests;
mod inbox;
mod interpret;
mod job;
mod job_run;
mod keys;
mod memory;
mod order;
#[cfg(test)]
mod order_tests;
mod pause;
#[cfg(test)]
mod pause_tests;
mod plan;
mod protocol;
#[cfg(test)]
mod race_tests;
mod read;
mod revoke;
#[cfg(test)]
mod revoke_tests;
#[cfg(test)]
mod round_tests;
mod shard;
mod shards;
mod stats;
#[cfg(test)]
mod testing;
mod token_base;
mod view;

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use distributex_config as config;
use distributex_config::{Limits, MAX_MEMCACHE_SLOTS, Name};
use tokio::time::Instant;

pub use self::shards::Shards;
use self::{
    entry::ServerRunId,
    fate::WriteFates,
    inbox::{Inbox, LeaseMeta, PendingRevocation, PendingRevoke, VanishedLease},
    job::{Claim, Job, JobDone},
    keys::KeyNames,
    order::ForeignWaiters,
    shard::Shard,
    view::PoolView,
};
use super::{Backend, Waker};
use crate::pool::{
    AcquireRequest, AdminAction, EndReason, Event, Holder, LeaseId, Operator, PageCursor, PoolCounts,
    PoolSnapshot, ReleaseTarget, RequestId, Token,
    rules::{Rules, refuse},
};

/// So many of the first in line take part in one job.
const CANDIDATES: usize = 32;

/// So many who have just come take part in one job: its time grows with their square.
const ASKS: usize = 256;

/// A pool with more slots than this is looked at less often, so that looking costs memcached the same.
const SLOTS_PER_LOOK: u32 = 7;

/// But not less often than once in so many times.
const MAX_POLL_FACTOR: u32 = 10;

/// How long it takes until a memcached that was away is looked for again.
const RETRY: Duration = Duration::from_secs(1);

/// A pool in a memcached.
#[derive(Debug)]
pub struct Memcache {
    /// The pool's name, for the log.
    name: Name,
    /// What is known of the leases, and the line.
    rules: Rules,
    /// How many leases there may be at once.
    slots: usize,
    /// The longest that a lease may live without renewal.
    expire: Option<Duration>,
    /// How often to look while somebody waits in a pool with few slots.
    shortest_poll: Duration,
    /// How often to look while somebody waits here.
    poll: Duration,
    /// How long requests stay parked while memcached is away.
    outage: Duration,
    /// The memcached.
    shard: Shard,
    /// Where the pool is kept in it.
    keys: Arc<KeyNames>,
    /// This server.
    server: ServerRunId,
    /// Wakes the pool when a job is done.
    waker: Waker,
    /// What was seen last; empty while a job is under way.
    view: PoolView,
    /// What is known of waiters at other servers.
    elsewhere: ForeignWaiters,
    /// What is known of the leases besides what the rules know.
    seen: HashMap<Token, LeaseMeta>,
    /// The largest token ever seen.
    highest: u64,
    /// What goes into the next job.
    pending: Inbox,
    /// Whose requests ended before their asks were settled.
    left: HashSet<RequestId>,
    /// The job that is under way.
    flight: Option<InFlightJob>,
    /// What was sent without an answer, and may still arrive.
    fates: WriteFates,
    /// What came of it.
    done: Arc<Mutex<Option<JobDone>>>,
    /// When to look again.
    next_look: Option<Instant>,
    /// Memcached cannot be reached.
    away: Option<OutageState>,
    /// Leases that were gone before their time.
    missed: HashMap<LeaseId, VanishedLease>,
    /// How many leases were lost.
    lost: u64,
}

/// A job that is under way, and what its answers are for.
#[derive(Debug)]
struct InFlightJob {
    /// When it began. What it grants or renews is counted from here, so that nobody relies on more than memcached
    /// keeps.
    at: Instant,
    /// What it was made of.
    pending: Inbox,
    /// How many of its claims are those of waiters: the first in line, and those who hold a lease already.
    candidates: usize,
}

/// Memcached cannot be reached.
#[derive(Debug, Clone, Copy)]
struct OutageState {
    /// Until when requests stay parked; `None` once they were sent away.
    patience: Option<Instant>,
}

impl Memcache {
    /// The pool of these settings in its memcached. `me` is its actor.
    #[must_use]
    pub fn new(settings: config::Pool, limits: Limits, shards: &Shards, waker: Waker) -> Self {
        let config::MemcacheSettings { poll, outage, ref prefix, .. } = *shards.settings();
        Self {
            shard: shards.of(&settings.name).clone(),
            keys: Arc::new(KeyNames::new(prefix, &settings.name)),
            server: shards.server(),
            slots: settings.slots as usize,
            expire: settings.expire,
            shortest_poll: poll,
            poll: poll * rareness(settings.slots),
            outage,
            name: settings.name.clone(),
            rules: Rules::remote(settings, limits),
            waker,
            view: PoolView::default(),
            elsewhere: ForeignWaiters::default(),
            seen: HashMap::new(),
            highest: 0,
            pending: Inbox::default(),
            left: HashSet::new(),
            flight: None,
            fates: WriteFates::default(),
            done: Arc::default(),
            next_look: None,
            away: None,
            missed: HashMap::new(),
            lost: 0,
        }
    }

    /// Begins the next job, if there is something to do and none is under way.
    fn go_on(&mut self, now: Instant) {
        if self.flight.is_some() {
            return;
        }
        self.take_back(now);
        let is_due = self.next_look.is_some_and(|at| at <= now);
        if is_due {
            self.next_look = None;
        }
        let looks = is_due && self.has_to_look();
        if !looks && self.pending.is_empty() {
            return;
        }
        let job = self.job(now);
        let (done, waker) = (Arc::clone(&self.done), self.waker.clone());
        let reply = move |came| {
            *done.lock().unwrap_or_else(PoisonError::into_inner) = Some(came);
            waker.wake();
        };
        self.shard.run(job, reply);
    }

    /// Whether other servers are told of waiters here.
    fn has_hint(&self) -> bool {
        self.view.hint_of(self.server).is_some()
    }

    /// Whether something may have changed in memcached that matters here, though nobody asks.
    fn has_to_look(&self) -> bool {
        self.rules.has_waiters() || self.away.is_some() || self.has_hint() || self.fates.is_open()
    }

    /// What the rules want to end goes into the next job. Another server ends its own leases itself; of one that was
    /// granted here and is ended by memcached alone it is to be seen that it is over.
    fn take_back(&mut self, now: Instant) {
        for token in self.rules.take_overdue() {
            let Some(id) = self.rules.lease(token).and_then(|lease| lease.id) else { continue };
            if self.seen.get(&token).is_some_and(|seen| seen.is_ours || seen.began_here) {
                let known = Some((token, self.rules.expiry_reason(token)));
                self.pending.takebacks.push(PendingRevocation { id, known, by: None });
            } else if self.rules.has_waiters() {
                self.next_look = Some(now);
            } else {
                self.rules.forget(token);
                self.seen.remove(&token);
            }
        }
    }

    /// Makes a job of all that is to be done. Nobody who has just come gets a slot before all who wait.
    fn job(&mut self, now: Instant) -> Job {
        let later = self.pending.requests.split_off(ASKS.min(self.pending.requests.len()));
        let pending = mem::replace(&mut self.pending, Inbox { requests: later, ..Inbox::default() });
        let most = CANDIDATES.min(self.slots);
        let mut waiters = self.rules.head_of_queue(most + 1);
        let behind = waiters.split_off(most.min(waiters.len()));
        let candidates = waiters.len();
        let behind = behind.first().map(|waiter| now - waiter.since);
        let order = self.elsewhere.order(candidates, behind, self.poll, now);
        let wants = self.rules.may_serve_after(candidates);
        let mut claims: Vec<_> = waiters.into_iter().map(|waiter| Claim::new(waiter, true, now)).collect();
        for waiter in self.rules.waiting_holders(CANDIDATES) {
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
            highest: self.highest,
            pausing: pending.pausing(),
            ends: pending.ends(),
            revokes: pending.revokes(),
            renewals: pending.renewals(self.expire),
            claims,
            order,
            unsettled: self.fates.unsettled.clone(),
            refused: None,
        };
        self.flight = Some(InFlightJob { at: now, pending, candidates });
        job
    }
}

/// Once in how many times a pool with so many slots is looked at.
fn rareness(slots: u32) -> u32 {
    slots.div_ceil(SLOTS_PER_LOOK).min(MAX_POLL_FACTOR)
}

impl Backend for Memcache {
    fn acquire(&mut self, request: AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        if let Some(why) = self.rules.rejects(&request.requester) {
            return refuse(request.id, why, None, out);
        }
        self.pending.requests.push(request);
        self.go_on(now);
    }

    fn cancel(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>) {
        let flying = self.flight.iter().flat_map(|flight| &flight.pending.requests);
        if self.pending.requests.iter().chain(flying).any(|asked| asked.id == request) {
            self.left.insert(request);
        } else {
            self.rules.cancel(request, now, out);
        }
    }

    fn renew(
        &mut self,
        request: RequestId,
        id: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        _: &mut Vec<Event>,
    ) {
        self.pending.renewals.push((request, id, ttl));
        self.go_on(now);
    }

    fn release(&mut self, request: RequestId, held: &ReleaseTarget, now: Instant, _: &mut Vec<Event>) {
        self.pending.releases.push((request, held.clone()));
        self.go_on(now);
    }

    fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        self.rules.undelivered(token, now, out);
        self.go_on(now);
    }

    /// A lease is ended in memcached, whichever server granted it, and a pause is that of all servers. The line is
    /// this server's alone.
    fn administer(
        &mut self,
        request: RequestId,
        action: AdminAction,
        operator: &Operator,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        match action {
            AdminAction::ForceRelease(token) => {
                let Some(id) = self.rules.lease(token).and_then(|lease| lease.id) else {
                    return out.push(Event::ActionApplied { request, what: None });
                };
                let known = Some((token, EndReason::ForceReleased));
                self.pending.takebacks.push(PendingRevocation { id, known, by: Some(request) });
            }
            AdminAction::Revoke(token, within) => {
                let Some(id) = self.rules.lease(token).and_then(|lease| lease.id) else {
                    return out.push(Event::ActionApplied { request, what: None });
                };
                self.pending.revokes.push(PendingRevoke {
                    request,
                    token,
                    id,
                    within,
                    operator: operator.clone(),
                });
            }
            AdminAction::Pause => self.pending.pauses.push((request, Some(operator.clone()))),
            AdminAction::Resume => self.pending.pauses.push((request, None)),
            AdminAction::Promote(_) | AdminAction::Evict(_) => {
                self.rules.administer(request, action, operator, now, out);
            }
        }
        self.go_on(now);
    }

    fn refresh(&mut self, request: RequestId, _: PageCursor, now: Instant, _: &mut Vec<Event>) {
        self.pending.looks.push(request);
        self.go_on(now);
    }

    fn poll(&mut self, now: Instant, out: &mut Vec<Event>) {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((flight, done)) = done.and_then(|done| Some((self.flight.take()?, done))) {
            self.apply(flight, done, now, out);
        }
        self.rules.expire(now, out);
        self.refuse_all(now, out);
        self.go_on(now);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let look = if self.flight.is_none() { self.next_look } else { None };
        let outage = self.away.and_then(|away| away.patience).filter(|_| self.rules.has_parked());
        self.rules.next_deadline().into_iter().chain(look).chain(outage).min()
    }

    fn is_idle(&self) -> bool {
        self.flight.is_none() && self.pending.is_empty()
    }

    fn close(&mut self) {
        self.rules.close();
    }

    fn reconfigure(
        &mut self,
        mut settings: Option<config::Pool>,
        limits: Limits,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        if let Some(settings) = &mut settings {
            settings.slots = settings.slots.min(MAX_MEMCACHE_SLOTS); // the file may name another backend by now
            self.slots = settings.slots as usize;
            self.expire = settings.expire;
            self.poll = self.shortest_poll * rareness(settings.slots);
        }
        self.rules.reconfigure(settings, limits, now, out);
        for request in mem::take(&mut self.pending.requests) {
            match self.rules.rejects(&request.requester) {
                Some(why) => refuse(request.id, why, None, out),
                None => self.pending.requests.push(request),
            }
        }
        self.next_look = Some(now); // there may be room
        self.go_on(now);
    }

    fn snapshot(&self, after: PageCursor, now: Instant) -> PoolSnapshot {
        self.rules.snapshot(after, now)
    }

    fn counts(&self) -> PoolCounts {
        self.rules.counts()
    }

    fn holder(&self, token: Token, now: Instant) -> Option<Holder> {
        self.rules.holder(token, now)
    }
}
