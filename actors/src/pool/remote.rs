//! The rules of a pool whose leases live in a store that other servers use too.
//!
//! The line is kept here as ever, and so is what is known of the leases. But a slot is free, a lease over and a
//! renewal good only when the store has said so: the backend asks it and tells the rules what it said. What
//! the rules want to end, they lay aside for the store.
//!
//! ```text
//!  first in line ── claims ──► store ── begin, tell_holder ──► told
//!  overdue, unheard ── take_overdue ──► store ── gone ──► over
//! ```

use std::{sync::Arc, time::Duration};

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use super::{
    AcquireRequest, Delivery, EndReason, Event, LeaseId, Operator, Refusal, RequestId, Requester, Revocation,
    Token,
    lease::Lease,
    queue::Waiter,
    rules::{Rules, refuse},
};

/// A lease that is over, but still stands in the store, is looked at again after this time.
const OVERDUE_RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl Rules {
    /// A pool of which nothing is known yet, and in which only the store grants.
    #[must_use]
    pub fn remote(settings: config::Pool, limits: Limits) -> Self {
        Self { stored: true, ..Self::new(settings, limits, Token(0)) }
    }

    /// Who is to get the next slots, the longest waiter first: every asker once, so many at most. Whether the
    /// pool is paused by then, the store says.
    #[must_use]
    pub fn head_of_queue(&self, most: usize) -> Vec<&Waiter> {
        if self.closed { Vec::new() } else { self.queue.first_requesters(most) }
    }

    /// Whether somebody who just came may be served after so many candidates: they are all who wait.
    #[must_use]
    pub fn may_serve_after(&self, candidates: usize) -> bool {
        !self.closed && self.queue.requester_count() <= candidates
    }

    /// Waiters whose request is parked, and who hold a lease that another server granted; so many at most.
    #[must_use]
    pub fn waiting_holders(&self, most: usize) -> Vec<&Waiter> {
        if self.queue.is_empty() {
            return Vec::new();
        }
        let requesters = self.leases.tokens().filter_map(|token| Some(&self.leases.get(token)?.requester));
        let waiters = requesters.filter_map(|requester| self.queue.first_of(requester));
        waiters.filter(|waiter| waiter.present.is_some()).take(most).collect()
    }

    /// Whether somebody waits.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether this asker stands in line.
    #[must_use]
    pub fn is_waiting(&self, requester: &Requester) -> bool {
        self.queue.first_of(requester).is_some()
    }

    /// How an ask will stand in line, if it has to.
    #[must_use]
    pub fn as_waiter(&self, request: &AcquireRequest, now: Instant) -> Waiter {
        self.waiter(request, now)
    }

    /// The lease with this token.
    #[must_use]
    pub fn lease(&self, token: Token) -> Option<&Lease> {
        self.leases.get(token)
    }

    /// The token of the lease with this secret name.
    #[must_use]
    pub fn token_of_id(&self, id: LeaseId) -> Option<Token> {
        self.leases.token_of_id(id)
    }

    /// The token of this asker's lease.
    #[must_use]
    pub fn token_of(&self, requester: &Requester) -> Option<Token> {
        self.leases.token_of(requester)
    }

    /// The tokens of all leases that are known.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        self.leases.tokens().collect()
    }

    /// The store has granted a lease. Nobody has been told of it yet.
    pub fn begin(&mut self, lease: Lease, out: &mut Vec<Event>) {
        let (token, host, waited) = (lease.token, lease.requester.host().clone(), lease.waited);
        out.push(Event::Granted { token, host, waited, command: lease.command.clone() });
        self.leases.begin(lease);
    }

    /// The store has a lease that another server granted.
    pub fn adopt(&mut self, lease: Lease) {
        self.leases.begin(lease);
    }

    /// The store has a lease on other terms than before.
    pub fn adopt_terms(
        &mut self,
        token: Token,
        ttl: Option<Duration>,
        until: Option<Instant>,
        revoked: Option<Arc<Revocation>>,
    ) {
        self.leases.change(token, |lease| (lease.ttl, lease.until, lease.revoked) = (ttl, until, revoked));
    }

    /// Tells whoever waits as this asker of the lease it has. If none of its requests is parked, a lease of which
    /// nobody was told waits for it as its place would have. False if the asker does not stand in line.
    ///
    /// `freed`: when its slot came free, if that is known.
    pub fn answer_waiters_of(
        &mut self,
        requester: &Requester,
        freed: Option<Instant>,
        now: Instant,
        out: &mut Vec<Event>,
    ) -> bool {
        let Some(token) = self.leases.token_of(requester) else { return false };
        let waiters = self.queue.take_all(requester);
        let (mut told, mut patience) = (0, None);
        self.leases.change(token, |lease| {
            for waiter in &waiters {
                let Some(request) = waiter.present else {
                    patience = waiter.until;
                    continue;
                };
                let leased = super::LeaseDetails { waited: now - waiter.since, ..lease.details() };
                out.push(Event::Answered(Delivery { request, lease: leased, again: lease.told > 0, freed }));
                lease.told += 1;
            }
            told = lease.told;
            if told == 0 && patience.is_some() {
                lease.until = patience;
            }
        });
        !waiters.is_empty()
    }

    /// Lays a lease aside that is to end in the store; asks for it again later if it is still there then.
    pub fn mark_overdue(&mut self, token: Token, now: Instant) {
        self.leases.change(token, |lease| lease.until = Some(now + OVERDUE_RETRY_INTERVAL));
        self.overdue.push(token);
    }

    /// What was laid aside.
    pub fn take_overdue(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.overdue)
    }

    /// The store says whether the pool is paused, and by whom. True if that is news.
    pub fn adopt_pause(&mut self, paused: Option<Operator>) -> bool {
        let is_news = self.paused != paused;
        self.paused = paused;
        is_news
    }

    /// A lease is not in the store any more.
    pub fn end_vanished(
        &mut self,
        token: Token,
        how: EndReason,
        by: Option<RequestId>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.end(token, how, by, now, out);
    }

    /// A lease of another server is of no interest here any more.
    pub fn forget(&mut self, token: Token) -> Option<Lease> {
        self.leases.end(token)
    }

    /// Gives up the place of an asker that comes back. False if it has none.
    pub fn remove_waiters_of(&mut self, requester: &Requester, out: &mut Vec<Event>) -> bool {
        let Some(ticket) = self.queue.ticket_of_requester(requester) else { return false };
        if let Some(parked) = self.remove_waiter(ticket, out) {
            refuse(parked, Refusal::Superseded, None, out);
        }
        true
    }

    /// Sends all parked requests away; places wait for those who come back.
    pub fn refuse_all(&mut self, why: Refusal, now: Instant, out: &mut Vec<Event>) {
        for (request, ticket) in self.queue.parked() {
            refuse(request, why, None, out);
            self.detach_request(ticket, now, out);
        }
    }

    /// Whether a request is parked.
    #[must_use]
    pub fn has_parked(&self) -> bool {
        self.queue.has_parked()
    }
}
