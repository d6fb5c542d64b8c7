//! Requests to a pool in memcached.

use std::{mem, sync::PoisonError, time::Duration};

use distributex_config as config;
use distributex_config::{Limits, MAX_MEMCACHE_SLOTS};
use tokio::time::Instant;

use super::{
    Memcache,
    inbox::{PendingEnd, PendingRevoke},
    poll_factor,
};
use crate::{
    backend::Backend,
    pool::{
        AcquireRequest, AdminAction, EndReason, Event, Holder, LeaseId, Operator, PageCursor, PoolCounts,
        PoolSnapshot, ReleaseTarget, RequestId, Token, rules::refuse,
    },
};

impl Backend for Memcache {
    fn acquire(&mut self, request: AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        if let Some(why) = self.rules.rejects(&request.requester) {
            return refuse(request.id, why, None, out);
        }
        self.pending.requests.push(request);
        self.start_next_job(now);
    }

    fn cancel(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>) {
        let flying = self.in_flight.iter().flat_map(|in_flight| &in_flight.pending.requests);
        if self.pending.requests.iter().chain(flying).any(|other| other.id == request) {
            self.cancelled.insert(request);
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
        self.start_next_job(now);
    }

    fn release(&mut self, request: RequestId, held: &ReleaseTarget, now: Instant, _: &mut Vec<Event>) {
        self.pending.releases.push((request, held.clone()));
        self.start_next_job(now);
    }

    fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        self.rules.undelivered(token, now, out);
        self.start_next_job(now);
    }

    /// Leases of every server can be ended, and a pause is that of all servers. The queue is that of this server
    /// alone.
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
                self.pending.ends.push(PendingEnd { id, known, by: Some(request) });
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
        self.start_next_job(now);
    }

    fn refresh(&mut self, request: RequestId, _: PageCursor, now: Instant, _: &mut Vec<Event>) {
        self.pending.reads.push(request);
        self.start_next_job(now);
    }

    fn poll(&mut self, now: Instant, out: &mut Vec<Event>) {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((in_flight, done)) = done.and_then(|done| Some((self.in_flight.take()?, done))) {
            self.apply(in_flight, done, now, out);
        }
        self.rules.expire(now, out);
        self.refuse_parked(now, out);
        self.start_next_job(now);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let look = if self.in_flight.is_none() { self.next_read } else { None };
        let outage =
            self.outage_state.and_then(|outage| outage.parked_until).filter(|_| self.rules.has_parked());
        self.rules.next_deadline().into_iter().chain(look).chain(outage).min()
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.pending.is_empty()
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
            settings.slots = settings.slots.min(MAX_MEMCACHE_SLOTS); // the configuration may name another backend by now
            self.slots = settings.slots as usize;
            self.expire = settings.expire;
            self.poll = self.min_poll * poll_factor(settings.slots);
        }
        self.rules.reconfigure(settings, limits, now, out);
        for request in mem::take(&mut self.pending.requests) {
            match self.rules.rejects(&request.requester) {
                Some(why) => refuse(request.id, why, None, out),
                None => self.pending.requests.push(request),
            }
        }
        self.next_read = Some(now); // a slot may be free
        self.start_next_job(now);
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
