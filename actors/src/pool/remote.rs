//! Rules of a pool whose leases live in a store shared with other servers.
//!
//! The queue and a copy of the leases are kept here as in memory. But a slot is free, a lease over and a renewal valid
//! only when the store has said so: the backend queries the store and feeds the rules with its replies. Leases that
//! the rules want to end are collected for the store.
//!
//! ```text
//!  head of the queue ─ claims ─► store ─ begin, answer_waiters_of ─► answered
//!  overdue, undelivered ─ take_overdue ─► store ─ end_vanished ─► ended
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

/// Delay before a lease that is over but still in the store is read again.
const OVERDUE_RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl Rules {
    /// A pool of which nothing is known yet, and in which only the store grants.
    #[must_use]
    pub fn remote(settings: config::Pool, limits: Limits) -> Self {
        Self { stored: true, ..Self::new(settings, limits, Token(0)) }
    }

    /// The requesters to be served next, the longest waiter first, each once; at most `most`. The store knows whether
    /// the pool is paused.
    #[must_use]
    pub fn head_of_queue(&self, most: usize) -> Vec<&Waiter> {
        if self.closed { Vec::new() } else { self.queue.first_requesters(most) }
    }

    /// Whether a new request may be served after this many candidates: only if they are all that wait.
    #[must_use]
    pub fn may_serve_after(&self, candidates: usize) -> bool {
        !self.closed && self.queue.requester_count() <= candidates
    }

    /// Waiters with a parked request that hold a lease of another server; at most `most`.
    #[must_use]
    pub fn waiting_holders(&self, most: usize) -> Vec<&Waiter> {
        if self.queue.is_empty() {
            return Vec::new();
        }
        let requesters = self.leases.tokens().filter_map(|token| Some(&self.leases.get(token)?.requester));
        let waiters = requesters.filter_map(|requester| self.queue.first_of(requester));
        waiters.filter(|waiter| waiter.present.is_some()).take(most).collect()
    }

    /// Whether the queue has entries.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether this requester is queued.
    #[must_use]
    pub fn is_waiting(&self, requester: &Requester) -> bool {
        self.queue.first_of(requester).is_some()
    }

    /// The queue entry that a request would get.
    #[must_use]
    pub fn as_waiter(&self, request: &AcquireRequest, now: Instant) -> Waiter {
        self.waiter(request, now)
    }

    /// The lease with this token.
    #[must_use]
    pub fn lease(&self, token: Token) -> Option<&Lease> {
        self.leases.get(token)
    }

    /// Token of the lease with this secret id.
    #[must_use]
    pub fn token_of_id(&self, id: LeaseId) -> Option<Token> {
        self.leases.token_of_id(id)
    }

    /// Token of this requester's lease.
    #[must_use]
    pub fn token_of(&self, requester: &Requester) -> Option<Token> {
        self.leases.token_of(requester)
    }

    /// Tokens of all known leases.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        self.leases.tokens().collect()
    }

    /// Adds a lease that the store has granted to this server; undelivered so far.
    pub fn begin(&mut self, lease: Lease, out: &mut Vec<Event>) {
        let (token, host, waited) = (lease.token, lease.requester.host().clone(), lease.waited);
        out.push(Event::Granted { token, host, waited, command: lease.command.clone() });
        self.leases.begin(lease);
    }

    /// Adds a lease that another server granted.
    pub fn adopt(&mut self, lease: Lease) {
        self.leases.begin(lease);
    }

    /// Updates the terms of a lease from the store.
    pub fn adopt_terms(
        &mut self,
        token: Token,
        ttl: Option<Duration>,
        until: Option<Instant>,
        revoked: Option<Arc<Revocation>>,
    ) {
        self.leases.change(token, |lease| (lease.ttl, lease.until, lease.revoked) = (ttl, until, revoked));
    }

    /// Answers all parked requests of this lease's requester. If there is none, an undelivered lease is kept for its
    /// patience. `false` if the requester is not queued.
    ///
    /// `freed`: when its slot became free, if known.
    pub fn answer_waiters_of(
        &mut self,
        requester: &Requester,
        freed: Option<Instant>,
        now: Instant,
        out: &mut Vec<Event>,
    ) -> bool {
        let Some(token) = self.leases.token_of(requester) else { return false };
        let waiters = self.queue.take_all(requester);
        let (mut deliveries, mut patience) = (0, None);
        self.leases.change(token, |lease| {
            for waiter in &waiters {
                let Some(request) = waiter.present else {
                    patience = waiter.until;
                    continue;
                };
                let leased = super::LeaseDetails { waited: now - waiter.since, ..lease.details() };
                out.push(Event::Answered(Delivery {
                    request,
                    lease: leased,
                    again: lease.deliveries > 0,
                    freed,
                }));
                lease.deliveries += 1;
            }
            deliveries = lease.deliveries;
            if deliveries == 0 && patience.is_some() {
                lease.until = patience;
            }
        });
        !waiters.is_empty()
    }

    /// Collects a lease to be ended in the store; again later if it is still there.
    pub fn mark_overdue(&mut self, token: Token, now: Instant) {
        self.leases.change(token, |lease| lease.until = Some(now + OVERDUE_RETRY_INTERVAL));
        self.overdue.push(token);
    }

    /// Takes the collected leases.
    pub fn take_overdue(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.overdue)
    }

    /// Updates the pause from the store; `true` if it changed.
    pub fn adopt_pause(&mut self, paused: Option<Operator>) -> bool {
        let is_news = self.paused != paused;
        self.paused = paused;
        is_news
    }

    /// Ends a lease that is no longer in the store.
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

    /// Forgets a lease of another server.
    pub fn forget(&mut self, token: Token) -> Option<Lease> {
        self.leases.end(token)
    }

    /// Removes the queue entry of a resumable requester; `false` if it has none.
    pub fn remove_waiters_of(&mut self, requester: &Requester, out: &mut Vec<Event>) -> bool {
        let Some(ticket) = self.queue.ticket_of_requester(requester) else { return false };
        if let Some(parked) = self.remove_waiter(ticket, out) {
            refuse(parked, Refusal::Superseded, None, out);
        }
        true
    }

    /// Refuses all parked requests; entries of resumable requesters are kept.
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
