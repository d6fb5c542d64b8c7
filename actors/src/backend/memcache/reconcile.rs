//! Leases of a pool, as the store has them.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Memcache,
    inbox::{LeaseMeta, PendingEnd, VanishedLease},
    job::{Claim, ClaimResult, view::HeldSlot},
};
use crate::pool::{EndReason, Event, LeaseId, RequestId, Token, lease::Lease};

/// Number of vanished leases that are remembered, to log renewals of them.
const MAX_VANISHED: usize = 1_000;

/// Time for which vanished leases without an end are remembered.
const VANISHED_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

impl Memcache {
    /// Adds the leases that were granted; `false` if there are none.
    pub(super) fn begin_all(&mut self, claims: &[Claim], at: Instant, out: &mut Vec<Event>) -> bool {
        let mut has_granted = false;
        for claim in claims.iter().filter(|claim| claim.found == Some(ClaimResult::Granted)) {
            let Some((_, slot)) = self.view.lease(claim.id) else { continue };
            let token = slot.token();
            has_granted = true;
            if self.rules.lease(token).is_none() {
                self.lease_meta.insert(token, LeaseMeta { cas: slot.cas, is_ours: true, began_here: true });
                self.rules.begin(claim.lease(slot, at), out);
            }
        }
        has_granted
    }

    /// Adopts the leases in the store, and ends those that are no longer there. Returns whether a waiter has a lease
    /// that was unknown so far.
    pub(super) fn reconcile(&mut self, at: Instant, now: Instant, out: &mut Vec<Event>) -> bool {
        let slots: Vec<HeldSlot> = self.view.held().map(|(_, slot)| slot.clone()).collect();
        let mut there: Vec<Token> = slots.iter().map(HeldSlot::token).collect();
        there.sort_unstable();
        for token in self.rules.tokens() {
            if there.binary_search(&token).is_err() {
                self.on_missing(token, now, out);
            }
        }
        slots.iter().filter(|slot| self.adopt(slot, at, now)).count() > 0
    }

    /// Adopts the lease in one slot. Returns whether a waiter has a lease that was unknown so far. The waiter is not
    /// answered yet, as the server that granted the lease would end it as undelivered: a claim of the next job first
    /// writes to memcached that it is delivered.
    pub(super) fn adopt(&mut self, slot: &HeldSlot, at: Instant, now: Instant) -> bool {
        let (token, entry) = (slot.token(), &slot.entry);
        let is_ours = entry.by == Some(self.server);
        // This server ends its own leases: no earlier than when they were last renewed, which was not later than now.
        let until = if is_ours { entry.ttl.map(|ttl| at + ttl) } else { slot.estimated_end(now) };
        match self.lease_meta.get_mut(&token) {
            Some(meta) if meta.cas == slot.cas => {}
            Some(meta) => {
                (meta.cas, meta.is_ours) = (slot.cas, is_ours);
                self.rules.adopt_terms(token, entry.ttl, until, slot.revoked(now));
            }
            // Written without a reply, so no response carried it. Once it was changed, one may have.
            None if is_ours && entry.token.is_none() => {
                self.pending.ends.push(PendingEnd { id: entry.id, known: None, by: None });
            }
            None if self.view.written_after_pause(slot) => {} // its server removes it at once
            None if self.rules.token_of(&entry.requester).is_some() => {} // one of the two is removed at once
            None => {
                self.lease_meta.insert(token, LeaseMeta { cas: slot.cas, is_ours, began_here: false });
                self.rules.adopt(Lease { until, ..slot.foreign_lease(now) });
                return self.rules.is_waiting(&entry.requester);
            }
        }
        false
    }

    /// Handles a lease that is no longer in the store, and was not ended by this server.
    fn on_missing(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        let Some(lease) = self.rules.lease(token) else { return };
        let (id, until, host) = (lease.id, lease.until, lease.requester.host().clone());
        let is_over = until.is_some_and(|until| until <= now);
        if !is_over && let Some(id) = id {
            self.remember_vanished(
                id,
                VanishedLease { host, token, until: until.unwrap_or(now + VANISHED_RETENTION) },
                now,
            );
        }
        let how = if is_over { self.rules.expiry_reason(token) } else { EndReason::Vanished };
        if !self.lease_meta.get(&token).is_some_and(|meta| meta.began_here) {
            self.lease_meta.remove(&token);
            let lease = self.rules.forget(token);
            return out.extend(lease.map(|lease| Event::EndedElsewhere(lease.ended(how, None, now))));
        }
        self.end_vanished(token, how, None, now, out);
    }

    /// Remembers a vanished lease, up to [`MAX_VANISHED`]: in a pool that is used through several servers, most leases
    /// end at another one.
    fn remember_vanished(&mut self, id: LeaseId, vanished: VanishedLease, now: Instant) {
        if self.vanished.len() >= MAX_VANISHED {
            self.vanished.retain(|_, vanished| vanished.until > now);
        }
        if self.vanished.len() < MAX_VANISHED {
            self.vanished.insert(id, vanished);
        }
    }

    pub(super) fn end_vanished(
        &mut self,
        token: Token,
        how: EndReason,
        by: Option<RequestId>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.lease_meta.remove(&token);
        self.rules.end_vanished(token, how, by, now, out);
    }
}
