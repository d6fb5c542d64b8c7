//! Revocation: the holder of a lease is asked to stop and can no longer extend it for long.
//!
//! ```text
//!  revoke ─► renewals and repeated acquires report it ──┬ released ──┐
//!            and extend the lease to `end` at most     └ expired ───┴► the next waiter
//! ```
//!
//! What the holder was promised before still counts: the lease never ends earlier than without a renewal.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{AdminOutcome, Operator, Requester, Token, lease::Lease, rules::Rules};

/// Revocation of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Author, reason and time of the revocation.
    pub operator: Operator,
    /// Renewals never extend the lease beyond this moment.
    pub end: Instant,
}

impl Lease {
    /// Revokes the lease: from now on renewals extend it to `within` from now at most; `None`: its time to live. A
    /// second revocation can only shorten that.
    pub(super) fn revoke(&mut self, within: Option<Duration>, operator: &Operator, now: Instant) {
        let end = now + within.or(self.ttl).unwrap_or_default();
        let end = self.revoked.as_ref().map_or(end, |earlier| earlier.end.min(end));
        self.revoked = Some(Arc::new(Revocation { operator: operator.clone(), end }));
    }

    /// Whether the holder has to renew the lease, and so learns of a revocation.
    #[must_use]
    pub fn is_renewed(&self) -> bool {
        self.ttl.is_some() && !matches!(self.requester, Requester::Host(_))
    }

    /// When the slot of the revoked lease is free at the latest; `None` if it does not expire.
    #[must_use]
    pub fn free_at(&self) -> Option<Instant> {
        let until = self.until.filter(|_| self.ttl.is_some())?;
        let end = self.revoked.as_ref().filter(|_| self.is_renewed()).map(|revoked| revoked.end);
        Some(end.map_or(until, |end| end.max(until)))
    }

    /// Extends the lease to `ttl` from now; if it is revoked, to its `end` at most, which then limits its time to
    /// live.
    pub(super) fn extend(&mut self, ttl: Option<Duration>, now: Instant) {
        self.end_at(ttl.map(|ttl| now + ttl));
        self.ttl = ttl.zip(self.until).map(|(ttl, until)| ttl.min(until.saturating_duration_since(now)));
    }

    /// Sets the expiry, `None`: never; earlier if the lease is revoked, but never earlier than planned so far.
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
