//! The in-memory backend: leases in this process. Without a state directory it responds at once, is never
//! down, and loses its leases when the process ends. With one it loses nothing: every response is delayed
//! until the changes it may reveal are on disk.
//!
//! While the disk cannot be written, nothing is granted or renewed; waiters keep waiting, including those
//! that were just being granted a slot, and admin actions change nothing. Leases still end, and releases are
//! served: if the server dies before the disk is back, such a slot stays held until its lease expires, never
//! the reverse.

use std::time::{Duration, SystemTime};

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use self::delayed_events::DelayedEvents;
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
    /// Leases and queue.
    rules: Rules,
    /// Persistence; `None` without a state directory.
    delayed: Option<DelayedEvents>,
}

impl InMemory {
    /// An empty pool. Its tokens begin at the microseconds since 1970, so that they also rise over a restart,
    /// unless the clock was set back by more than the downtime: no pool grants a million times per second for
    /// long.
    #[must_use]
    pub fn new(settings: config::Pool, limits: Limits) -> Self {
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let last = Token(u64::try_from(epoch.as_micros()).unwrap_or_default());
        Self { rules: Rules::new(settings, limits, last), delayed: None }
    }

    /// A pool restored from a state directory, and persisted there. Its tokens begin above all earlier ones.
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
        pool.delayed = Some(DelayedEvents::new(name, state.journal().clone(), waker));
        pool
    }

    /// Runs a step of the rules, and emits its events when they may be.
    fn act(&mut self, now: Instant, out: &mut Vec<Event>, act: impl FnOnce(&mut Rules, &mut Vec<Event>)) {
        let Some(delayed) = &mut self.delayed else { return act(&mut self.rules, out) };
        let mut events = Vec::new();
        act(&mut self.rules, &mut events);
        delayed.submit_events(&mut self.rules, events, now, out);
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
        if let Some(delayed) = &mut self.delayed {
            if delayed.is_down() {
                return refuse(request, Refusal::BackendDown, None, out);
            }
            delayed.note(request, self.rules.undo_state(action));
        }
        self.act(now, out, |rules, out| rules.administer(request, action, operator, now, out));
    }

    fn refresh(&mut self, request: RequestId, after: PageCursor, now: Instant, out: &mut Vec<Event>) {
        let has_unwritten = self.delayed.as_ref().is_some_and(DelayedEvents::has_unwritten);
        self.act(now, out, |rules, out| {
            if rules.is_gone() {
                refuse(request, Refusal::NoSuchPool, None, out);
            } else {
                // Changes from here on may not be on disk when this is emitted.
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
        if let Some(delayed) = &mut self.delayed {
            delayed.poll(&mut self.rules, now, out); // leases that have expired by now are not emitted as granted
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let too_slow = self.delayed.as_ref().and_then(DelayedEvents::next_deadline);
        self.rules.next_deadline().into_iter().chain(too_slow).min()
    }

    fn is_idle(&self) -> bool {
        self.delayed.as_ref().is_none_or(|delayed| !delayed.has_unwritten())
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
