//! Outcome of a job, as events for the requests in it.

use std::{sync::Arc, time::Duration};

use log::warn;
use tokio::time::Instant;

use super::{
    InFlightJob, Memcache, OutageState, RETRY_INTERVAL,
    entry::pause::PauseChange,
    inbox::{Inbox, PendingEnd, VanishedLease},
    job::{Claim, ClaimResult, EndLease, JobDone, RenewLease},
};
use crate::pool::{
    AcquireRequest, AdminOutcome, EndReason, Event, LeaseDetails, LeaseId, Operator, Refusal, ReleaseTarget,
    RequestId, Token, lease::Lease, rules::refuse,
};

/// How much later than estimated a lease of another server may end.
const CLOCK_UNCERTAINTY: Duration = Duration::from_secs(1);

impl Memcache {
    /// Answers all requests of a finished job, and adopts the state of the store.
    pub(super) fn apply(
        &mut self,
        in_flight: InFlightJob,
        done: JobDone,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        let InFlightJob { at, pending, candidates } = in_flight;
        let Inbox { requests, renewals, releases, ends, reads, revokes, pauses } = pending;
        let JobDone { mut job, error } = done;
        self.highest_token = job.highest_token;
        self.view = std::mem::take(&mut job.view);
        self.foreign_waiters.update(&job.order, &self.view, self.server, at, now);
        self.set_store_down(error.is_some(), now, out);
        self.fates.update(std::mem::take(&mut job.unsettled), error.is_some(), now);
        self.apply_pauses(&pauses, job.pausing.as_ref(), out);

        let (released, other_ends) = job.ends.split_at(releases.len());
        self.apply_force_releases(&ends, other_ends, now, out);
        self.apply_releases(releases, released, now, out);
        let (waiter_claims, new_claims) = job.claims.split_at(candidates);
        let freed = job.ends.iter().any(|end| end.had == Some(true)).then_some(at);
        let has_granted = self.begin_all(&job.claims, at, out);
        let has_news = error.is_none() && self.reconcile(at, now, out);
        let revoked: Vec<_> = revokes.iter().map(|revoking| (revoking.request, revoking.token)).collect();
        self.settle_revokes(&revoked, &job.revokes, out);
        self.apply_renewals(&renewals, &job.renewals, at, now, out);
        let unwanted = self.apply_waiters(waiter_claims, freed, now, out);
        self.apply_acquires(requests, new_claims, at, now, out);
        self.queue_undelivered(&unwanted, now);
        for request in reads {
            match error {
                None if self.rules.is_gone() => refuse(request, Refusal::NoSuchPool, None, out),
                None => out.push(Event::Refreshed { request, state: None }),
                Some(_) => refuse(request, Refusal::BackendDown, None, out),
            }
        }
        let has_more = has_granted && self.view.has_room(self.slots);
        self.schedule_read(has_more || has_news, now);
    }

    fn set_store_down(&mut self, is_down: bool, now: Instant, out: &mut Vec<Event>) {
        match (&self.outage_state, is_down) {
            (None, true) => {
                self.outage_state = Some(OutageState { parked_until: Some(now + self.outage) });
                out.push(Event::StoreDown);
            }
            (Some(_), false) => {
                self.outage_state = None;
                out.push(Event::StoreUp);
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// Refuses all parked requests once memcached has been unreachable for the whole outage time.
    pub(super) fn refuse_parked(&mut self, now: Instant, out: &mut Vec<Event>) {
        if let Some(outage) = &mut self.outage_state
            && outage.parked_until.is_some_and(|until| until <= now)
        {
            outage.parked_until = None;
            self.rules.refuse_all(Refusal::BackendDown, now, out);
        }
    }

    /// Adopts the pause, and answers the operators who changed it.
    fn apply_pauses(
        &mut self,
        pauses: &[(RequestId, Option<Operator>)],
        pausing: Option<&PauseChange>,
        out: &mut Vec<Event>,
    ) {
        let is_done = pausing.is_some_and(|pausing| pausing.is_done);
        let is_change =
            pausing.is_some_and(|pausing| pausing.has_changed) || pauses.iter().any(|(_, to)| to.is_some());
        let paused = self.view.paused.as_ref().map(|pause| pause.operator.clone());
        let said = |operator: &Operator| (Arc::clone(&operator.author), Arc::clone(&operator.reason));
        let is_ours = |to: &Option<Operator>| to.as_ref().map(said) == paused.as_ref().map(said);
        let is_reported = is_done && is_change && pauses.last().is_some_and(|(_, to)| is_ours(to));
        if self.rules.adopt_pause(paused.clone()) && !is_reported {
            out.push(Event::Paused(paused));
        }
        for (request, _) in pauses {
            if is_done {
                let what = if is_change { AdminOutcome::Set } else { AdminOutcome::Unchanged };
                out.push(Event::ActionApplied { request: *request, what: Some(what) });
            } else {
                refuse(*request, Refusal::BackendDown, None, out);
            }
        }
    }

    fn apply_force_releases(
        &mut self,
        pending: &[PendingEnd],
        ends: &[EndLease],
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        for (PendingEnd { id, known, by }, end) in pending.iter().zip(ends) {
            let is_gone = end.had.is_some() && self.view.lease(*id).is_none();
            let forced = known.and_then(|(token, _)| self.preview_force_release(token, now));
            if let (true, Some((token, how))) = (is_gone, known) {
                self.end_vanished(*token, *how, *by, now, out);
            }
            match (*by, end.had) {
                (Some(request), Some(had)) => {
                    out.push(Event::ActionApplied { request, what: forced.filter(|_| had) });
                }
                (Some(request), None) => refuse(request, Refusal::BackendDown, None, out),
                (None, _) => {}
            }
        }
    }

    /// Outcome of a force-release of this lease. The end of another server's lease is known to the second only.
    fn preview_force_release(&self, token: Token, now: Instant) -> Option<AdminOutcome> {
        let is_ours = self.lease_meta.get(&token).is_some_and(|meta| meta.is_ours);
        match self.rules.preview_force_release(token, now)? {
            AdminOutcome::Released { host, held, left } if !is_ours => {
                Some(AdminOutcome::Released { host, held, left: left.map(|left| left + CLOCK_UNCERTAINTY) })
            }
            forced @ (AdminOutcome::Released { .. }
            | AdminOutcome::Set
            | AdminOutcome::Unchanged
            | AdminOutcome::Moved { .. }
            | AdminOutcome::Revoked { .. }) => Some(forced),
        }
    }

    fn apply_releases(
        &mut self,
        releases: Vec<(RequestId, ReleaseTarget)>,
        ends: &[EndLease],
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        for ((request, held), end) in releases.into_iter().zip(ends) {
            let Some(had_lease) = end.had else {
                refuse(request, Refusal::BackendDown, None, out);
                continue;
            };
            let (lease, had_place, turned_away) = match &held {
                ReleaseTarget::Lease(id) => (self.rules.token_of_id(*id), false, None),
                ReleaseTarget::Requester(requester) => {
                    let position = self.rules.remove_waiters_of(requester, out);
                    (self.rules.token_of(requester), position, self.rules.rejects(requester))
                }
            };
            if let (true, Some(token)) = (had_lease, lease) {
                self.end_vanished(token, EndReason::Released, Some(request), now, out);
            }
            match turned_away {
                Some(why) if !had_lease && !had_place => refuse(request, why, None, out),
                Some(_) | None => out.push(Event::Released { request, had: had_lease || had_place }),
            }
        }
    }

    fn apply_renewals(
        &mut self,
        requests: &[(RequestId, LeaseId, Option<Duration>)],
        renewals: &[RenewLease],
        at: Instant,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        for ((request, id, _), renewal) in requests.iter().zip(renewals) {
            let slot = self.view.lease(*id).map(|(_, slot)| slot.clone());
            match (renewal.lives, slot) {
                (Some(true), Some(slot)) => {
                    self.adopt(&slot, at, now);
                    let until = match slot.entry.revoked {
                        Some(_) => slot.estimated_end(now),
                        None => slot.entry.ttl.map(|ttl| at + ttl),
                    };
                    let known = self.rules.lease(slot.token()).map(Lease::details);
                    let lease = known.unwrap_or_else(|| slot.foreign_lease(now).details());
                    out.push(Event::Renewed { request: *request, lease: LeaseDetails { until, ..lease } });
                }
                (Some(_), _) => {
                    self.log_refused_renewal(*id);
                    refuse(*request, Refusal::LeaseLost, None, out);
                }
                (None, _) => refuse(*request, Refusal::BackendDown, None, out),
            }
        }
    }

    /// Logs the renewal of a lease that memcached did not keep.
    fn log_refused_renewal(&mut self, id: LeaseId) {
        if let Some(VanishedLease { host, token, .. }) = self.vanished.remove(&id) {
            self.refused_renewals += 1;
            let (pool, host, token, vanished) =
                (self.name.as_str(), host.as_str(), token.0, self.refused_renewals);
            let hint = "ended through another server, or not kept by memcached";
            warn!(pool, host, token, vanished, hint; "renewal_refused");
        }
    }

    fn apply_acquires(
        &mut self,
        requests: Vec<AcquireRequest>,
        claims: &[Claim],
        at: Instant,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        for (request, claim) in requests.into_iter().zip(claims) {
            let id = request.id;
            match claim.found {
                Some(ClaimResult::AlreadyHeld(lease)) => {
                    if let Some((_, slot)) = self.view.lease(lease) {
                        self.adopt(&slot.clone(), at, now);
                    }
                    self.rules.answer_waiters_of(&claim.requester, None, now, out); // the same requester may be queued, too
                    self.rules.acquire(request, at, out);
                }
                Some(ClaimResult::Granted | ClaimResult::NoSlot) => self.rules.acquire(request, at, out),
                None => refuse(id, Refusal::BackendDown, None, out),
            }
            if claim.found == Some(ClaimResult::Granted) && self.rules.rejects(&claim.requester).is_some() {
                self.queue_undelivered(&[claim.id], now); // the configuration changed meanwhile
            }
            if self.cancelled.remove(&id) {
                self.rules.cancel(id, now, out);
            }
        }
    }

    /// Answers waiters that now have a lease. Returns the leases of requesters that have left meanwhile. `freed`: when
    /// their slots became free, if this job freed some.
    fn apply_waiters(
        &mut self,
        claims: &[Claim],
        freed: Option<Instant>,
        now: Instant,
        out: &mut Vec<Event>,
    ) -> Vec<LeaseId> {
        let mut unwanted = Vec::new();
        for claim in claims.iter().filter(|claim| claim.found.is_some_and(ClaimResult::is_held)) {
            let is_reported = self.rules.answer_waiters_of(&claim.requester, freed, now, out);
            if claim.found == Some(ClaimResult::Granted) && !is_reported {
                unwanted.push(claim.id);
            }
        }
        unwanted
    }

    /// Schedules the end of these leases, unless a response carried them.
    fn queue_undelivered(&mut self, leases: &[LeaseId], now: Instant) {
        for id in leases {
            if let Some(token) = self.rules.token_of_id(*id)
                && self.rules.lease(token).is_some_and(|lease| lease.deliveries == 0)
            {
                self.rules.mark_overdue(token, now);
            }
        }
    }

    /// Schedules the next read while there are waiters, while the store has an outdated hint of this server's waiters,
    /// while memcached is unreachable, and while writes may arrive late.
    fn schedule_read(&mut self, at_once: bool, now: Instant) {
        let pause = match self.outage_state {
            Some(_) => RETRY_INTERVAL,
            None if at_once => Duration::ZERO,
            None if !self.fates.is_open() => self.poll,
            None if self.rules.has_waiters() => self.poll.min(RETRY_INTERVAL),
            None => RETRY_INTERVAL,
        };
        self.next_read = self.needs_read().then(|| now + pause.mul_f64(jitter()));
    }
}

/// A random factor from 0.8 to 1.2, so that servers do not all read at once.
fn jitter() -> f64 {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte); // without random bits they do
    0.8 + 0.4 * f64::from(byte[0]) / 255.0
}
