//! Leases in this process. Without a state directory it answers on the spot and is never away, and forgets
//! everything when the process ends. With one it forgets nothing: every answer waits until the changes that it may
//! tell of are on the disk.
//!
//! While the disk cannot be written, nobody is granted or renewed anything; who waits stays in line, also who was just
//! being granted something, and operators change nothing. What is over ends all the same, and releases are served: if the server dies before the disk is back, such a slot stays
//! held until its lease expires, and never the other way round.

use std::time::{Duration, SystemTime};

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use self::delayed_events::DelayedEvents;
pub(crate) use self::delayed_events::WRITE_TIMEOUT;
use super::{Backend, Waker};
use crate::{
    StateDirectory,
    pool::{
        AcquireRequest, AdminAction, Event, Holder, LeaseId, Operator, PageCursor, PoolCounts, PoolSnapshot,
        Refusal, ReleaseTarget, RequestId, Token,
        rules::{Rules, refuse},
    },
};

mod delayed_events;
mod store;

pub(super) use self::store::{InMemoryStore, PersistentStore};

/// A pool in memory.
#[derive(Debug)]
pub struct InMemory {
    /// The leases and the line.
    rules: Rules,
    /// What is written down; `None`: nothing is.
    ledger: Option<DelayedEvents>,
}

impl InMemory {
    /// An empty pool. Its tokens begin at the microseconds since 1970, so that they rise over a restart too,
    /// unless the clock was set back by more than the server was down: no pool grants a million times a
    /// second for long.
    #[must_use]
    pub fn new(settings: config::Pool, limits: Limits) -> Self {
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let last = Token(u64::try_from(epoch.as_micros()).unwrap_or_default());
        Self { rules: Rules::new(settings, limits, last), ledger: None }
    }

    /// The pool as it was written down in a state directory, and goes on to be. Its tokens begin above all that
    /// it ever gave out. `me` is its actor.
    #[must_use]
    pub fn persisted(
        settings: config::Pool,
        limits: Limits,
        state: &mut StateDirectory,
        waker: Waker,
        now: Instant,
    ) -> Self {
        let name = settings.name.clone();
        let mut pool = Self::new(settings, limits);
        pool.rules.restore(state.take(&name), now);
        pool.ledger = Some(DelayedEvents::new(name, state.journal().clone(), waker));
        pool
    }

    /// Lets the rules do something, and passes on what came of it when it may be told.
    fn act(&mut self, now: Instant, out: &mut Vec<Event>, act: impl FnOnce(&mut Rules, &mut Vec<Event>)) {
        let Some(ledger) = &mut self.ledger else { return act(&mut self.rules, out) };
        let mut events = Vec::new();
        act(&mut self.rules, &mut events);
        ledger.submit_events(&mut self.rules, events, now, out);
    }
}

impl Backend for InMemory {
    fn acquire(&mut self, request: AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        self.act(now, out, |rules, out| rules.acquire(request, now, out));
    }

    fn cancel(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>) {
        self.act(now, out, |rules, out| rules.cancel(request, now, out));
    }

    fn renew(
        &mut self,
        request: RequestId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.act(now, out, |rules, out| rules.renew(request, lease, ttl, now, out));
    }

    fn release(&mut self, request: RequestId, held: &ReleaseTarget, now: Instant, out: &mut Vec<Event>) {
        self.act(now, out, |rules, out| rules.release(request, held, now, out));
    }

    fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        self.act(now, out, |rules, out| rules.undelivered(token, now, out));
    }

    fn administer(
        &mut self,
        request: RequestId,
        action: AdminAction,
        operator: &Operator,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        if let Some(ledger) = &mut self.ledger {
            if ledger.is_away() {
                return refuse(request, Refusal::BackendDown, None, out);
            }
            ledger.note(request, self.rules.undo_state(action));
        }
        self.act(now, out, |rules, out| rules.administer(request, action, operator, now, out));
    }

    fn refresh(&mut self, request: RequestId, after: PageCursor, now: Instant, out: &mut Vec<Event>) {
        let has_unwritten = self.ledger.as_ref().is_some_and(DelayedEvents::has_unwritten);
        self.act(now, out, |rules, out| {
            if rules.is_gone() {
                refuse(request, Refusal::NoSuchPool, None, out);
            } else {
                // What comes until this is told may not be on the disk then.
                let state = has_unwritten.then(|| Box::new(rules.snapshot(after, now)));
                out.push(Event::Refreshed { request, state });
            }
        });
    }

    fn poll(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.act(now, out, |rules, out| {
            rules.expire(now, out);
            rules.serve(now, out);
        });
        if let Some(ledger) = &mut self.ledger {
            ledger.poll(&mut self.rules, now, out); // what is over by now is not told as granted
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let too_slow = self.ledger.as_ref().and_then(DelayedEvents::next_end);
        self.rules.next_deadline().into_iter().chain(too_slow).min()
    }

    fn is_idle(&self) -> bool {
        self.ledger.as_ref().is_none_or(|ledger| !ledger.has_unwritten())
    }

    fn close(&mut self) {
        self.rules.close();
    }

    fn reconfigure(
        &mut self,
        settings: Option<config::Pool>,
        limits: Limits,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.act(now, out, |rules, out| rules.reconfigure(settings, limits, now, out));
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
