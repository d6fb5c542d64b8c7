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
    Ask, AskId, Asker, Ending, Event, Granted, LeaseId, Operator, Refusal, Revoked, Token,
    lease::Lease,
    line::Waiter,
    rules::{Rules, refuse},
};

/// A lease that is over, but still stands in the store, is looked at again after this time.
const OVERDUE_RETRY: Duration = Duration::from_secs(1);

impl Rules {
    /// A pool of which nothing is known yet, and in which only the store grants.
    #[must_use]
    pub fn stored(settings: config::Pool, limits: Limits) -> Self {
        Self { stored: true, ..Self::new(settings, limits, Token(0)) }
    }

    /// Who is to get the next slots, the longest waiter first: every asker once, so many at most. Whether the
    /// pool is paused by then, the store says.
    #[must_use]
    pub fn candidates(&self, most: usize) -> Vec<&Waiter> {
        if self.closed { Vec::new() } else { self.line.first_askers(most) }
    }

    /// Whether somebody who just came may be served after so many candidates: they are all who wait.
    #[must_use]
    pub fn may_serve_after(&self, candidates: usize) -> bool {
        !self.closed && self.line.askers() <= candidates
    }

    /// Waiters whose request is parked, and who hold a lease that another server granted; so many at most.
    #[must_use]
    pub fn holders_in_line(&self, most: usize) -> Vec<&Waiter> {
        if self.line.is_empty() {
            return Vec::new();
        }
        let askers = self.leases.tokens().filter_map(|token| Some(&self.leases.get(token)?.asker));
        let waiters = askers.filter_map(|asker| self.line.first_of(asker));
        waiters.filter(|waiter| waiter.present.is_some()).take(most).collect()
    }

    /// Whether somebody waits.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        !self.line.is_empty()
    }

    /// Whether this asker stands in line.
    #[must_use]
    pub fn waits(&self, asker: &Asker) -> bool {
        self.line.first_of(asker).is_some()
    }

    /// How an ask will stand in line, if it has to.
    #[must_use]
    pub fn as_waiter(&self, ask: &Ask, now: Instant) -> Waiter {
        self.waiter(ask, now)
    }

    /// The lease with this token.
    #[must_use]
    pub fn lease(&self, token: Token) -> Option<&Lease> {
        self.leases.get(token)
    }

    /// The token of the lease with this secret name.
    #[must_use]
    pub fn named(&self, id: LeaseId) -> Option<Token> {
        self.leases.named(id)
    }

    /// The token of this asker's lease.
    #[must_use]
    pub fn lease_of(&self, asker: &Asker) -> Option<Token> {
        self.leases.of(asker)
    }

    /// The tokens of all leases that are known.
    #[must_use]
    pub fn known(&self) -> Vec<Token> {
        self.leases.tokens().collect()
    }

    /// The store has granted a lease. Nobody has been told of it yet.
    pub fn begin(&mut self, lease: Lease, out: &mut Vec<Event>) {
        let (token, host, waited) = (lease.token, lease.asker.host().clone(), lease.waited);
        out.push(Event::Began { token, host, waited, command: lease.command.clone() });
        self.leases.begin(lease);
    }

    /// The store has a lease that another server granted.
    pub fn learn(&mut self, lease: Lease) {
        self.leases.begin(lease);
    }

    /// The store has a lease on other terms than before.
    pub fn learn_terms(
        &mut self,
        token: Token,
        ttl: Option<Duration>,
        until: Option<Instant>,
        revoked: Option<Arc<Revoked>>,
    ) {
        self.leases.change(token, |lease| (lease.ttl, lease.until, lease.revoked) = (ttl, until, revoked));
    }

    /// Tells whoever waits as this asker of the lease it has. If none of its requests is parked, a lease of which
    /// nobody was told waits for it as its place would have. False if the asker does not stand in line.
    ///
    /// `freed`: when its slot came free, if that is known.
    pub fn tell_holder(
        &mut self,
        asker: &Asker,
        freed: Option<Instant>,
        now: Instant,
        out: &mut Vec<Event>,
    ) -> bool {
        let Some(token) = self.leases.of(asker) else { return false };
        let waiters = self.line.take_all(asker);
        let (mut told, mut patience) = (0, None);
        self.leases.change(token, |lease| {
            for waiter in &waiters {
                let Some(ask) = waiter.present else {
                    patience = waiter.until;
                    continue;
                };
                let leased = super::Leased { waited: now - waiter.since, ..lease.leased() };
                out.push(Event::Granted(Granted { ask, lease: leased, again: lease.told > 0, freed }));
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
    pub fn overdue(&mut self, token: Token, now: Instant) {
        self.leases.change(token, |lease| lease.until = Some(now + OVERDUE_RETRY));
        self.overdue.push(token);
    }

    /// What was laid aside.
    pub fn take_overdue(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.overdue)
    }

    /// The store says whether the pool is paused, and by whom. True if that is news.
    pub fn learn_paused(&mut self, paused: Option<Operator>) -> bool {
        let is_news = self.paused != paused;
        self.paused = paused;
        is_news
    }

    /// A lease is not in the store any more.
    pub fn gone(&mut self, token: Token, how: Ending, by: Option<AskId>, now: Instant, out: &mut Vec<Event>) {
        self.end(token, how, by, now, out);
    }

    /// A lease of another server is of no interest here any more.
    pub fn forget(&mut self, token: Token) -> Option<Lease> {
        self.leases.end(token)
    }

    /// Gives up the place of an asker that comes back. False if it has none.
    pub fn give_up(&mut self, asker: &Asker, out: &mut Vec<Event>) -> bool {
        let Some(ticket) = self.line.place_of(asker) else { return false };
        if let Some(parked) = self.give_up_place(ticket, out) {
            refuse(parked, Refusal::Superseded, None, out);
        }
        true
    }

    /// Sends all parked requests away; places wait for those who come back.
    pub fn send_away(&mut self, why: Refusal, now: Instant, out: &mut Vec<Event>) {
        for (ask, ticket) in self.line.parked() {
            refuse(ask, why, None, out);
            self.part(ticket, now, out);
        }
    }

    /// Whether a request is parked.
    #[must_use]
    pub fn has_parked(&self) -> bool {
        self.line.has_parked()
    }
}
