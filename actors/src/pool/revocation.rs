//! Revoking a lease: its holder is asked to stop, and cannot extend the lease for long any more.
//!
//! ```text
//!  revoke ─► renewals and repeated acquires say so ─┬ released ──┐
//!            and extend it to `end` at most         └ expired ───┴► the next waiter
//! ```
//!
//! What its holder was told before still counts: the lease never ends earlier than it would have without a renewal.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{AdminOutcome, Operator, Requester, Token, lease::Lease, rules::Rules};

/// An operator wants a slot back from its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Who revoked the lease, why and when.
    pub operator: Operator,
    /// No renewal extends the lease beyond this moment.
    pub end: Instant,
}

impl Lease {
    /// Revokes it: from now on renewals extend it for `within` at most, by default its time to live. A second revoke
    /// can only shorten that.
    pub(super) fn revoke(&mut self, within: Option<Duration>, operator: &Operator, now: Instant) {
        let end = now + within.or(self.ttl).unwrap_or_default();
        let end = self.revoked.as_ref().map_or(end, |earlier| earlier.end.min(end));
        self.revoked = Some(Arc::new(Revocation { operator: operator.clone(), end }));
    }

    /// Whether its holder has to renew it, and so is notified when it is revoked.
    #[must_use]
    pub fn is_renewed(&self) -> bool {
        self.ttl.is_some() && !matches!(self.requester, Requester::Host(_))
    }

    /// The moment at which its slot is free at the latest, once it is revoked; `None` if it does not end by itself.
    #[must_use]
    pub fn free_at(&self) -> Option<Instant> {
        let until = self.until.filter(|_| self.ttl.is_some())?;
        let end = self.revoked.as_ref().filter(|_| self.is_renewed()).map(|revoked| revoked.end);
        Some(end.map_or(until, |end| end.max(until)))
    }

    /// Lets it live for `ttl` from now; for less if it is revoked, and then that is its time to live.
    pub(super) fn extend(&mut self, ttl: Option<Duration>, now: Instant) {
        self.end_at(ttl.map(|ttl| now + ttl));
        self.ttl = ttl.zip(self.until).map(|(ttl, until)| ttl.min(until.saturating_duration_since(now)));
    }

    /// Lets it end at this moment, `None` being never; earlier if it is revoked, but not earlier than now planned.
    pub(super) fn end_at(&mut self, end: Option<Instant>) {
        let latest = self.until.zip(self.revoked.as_ref()).map(|(until, revoked)| until.max(revoked.end));
        self.until = end.into_iter().chain(latest).min();
    }
}

impl Rules {
    pub(super) fn revoke(
        &mut self,
        token: Token,
        within: Option<Duration>,
        operator: &Operator,
        now: Instant,
    ) -> Option<AdminOutcome> {
        let lease = self.leases.change(token, |lease| lease.revoke(within, operator, now))?;
        let (host, until) = (lease.requester.host().clone(), lease.free_at());
        Some(AdminOutcome::Revoked { host, until, notified: lease.is_renewed() })
    }
}
