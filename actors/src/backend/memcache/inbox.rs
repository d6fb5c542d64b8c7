//! Requests waiting for a pool's next job, and the server's own notes on leases.

use std::time::Duration;

use distributex_config::Name;
use tokio::time::Instant;

use super::{
    entry::{LeaseEntry, pause::PauseChange},
    job::{
        Claim, EndLease, LeaseSelector, RenewLease,
        revoke::RevokeLease,
        view::{HeldSlot, whole_seconds},
    },
    shard::clock::unix_now,
};
use crate::pool::{
    AcquireRequest, EndReason, LeaseId, Operator, ReleaseTarget, RequestId, Token, lease::Lease,
    queue::Waiter,
};

/// Requests of the next job.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Acquire requests.
    pub(super) requests: Vec<AcquireRequest>,
    /// Renewals.
    pub(super) renewals: Vec<(RequestId, LeaseId, Option<Duration>)>,
    /// Releases.
    pub(super) releases: Vec<(RequestId, ReleaseTarget)>,
    /// Leases to be ended by this server or an operator.
    pub(super) ends: Vec<PendingEnd>,
    /// Reads of the store.
    pub(super) reads: Vec<RequestId>,
    /// Leases to be revoked.
    pub(super) revokes: Vec<PendingRevoke>,
    /// Changes of the pause; `None`: resume.
    pub(super) pauses: Vec<(RequestId, Option<Operator>)>,
}

/// A lease to be ended because it is over, was not delivered, or is force-released.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingEnd {
    /// Lease id.
    pub(super) id: LeaseId,
    /// Token and reason; `None` for a lease that was written without a reply, and belongs to no request.
    pub(super) known: Option<(Token, EndReason)>,
    /// Request of the operator who force-releases it; `None`: this server ends it, unless another server delivered it.
    pub(super) by: Option<RequestId>,
}

/// A lease to be revoked.
#[derive(Debug)]
pub(super) struct PendingRevoke {
    /// Request of the operator.
    pub(super) request: RequestId,
    /// Fencing token.
    pub(super) token: Token,
    /// Lease id.
    pub(super) id: LeaseId,
    /// Limit of renewals, from now; `None`: the lease's ttl.
    pub(super) within: Option<Duration>,
    /// Author and reason.
    pub(super) operator: Operator,
}

/// What this server notes of a lease besides its terms.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeaseMeta {
    /// CAS number of its entry.
    pub(super) cas: u64,
    /// Whether this server ends it.
    pub(super) is_ours: bool,
    /// Whether this server granted it.
    pub(super) began_here: bool,
}

/// A lease that vanished before its end. Its holder may have released it through another server; if the holder tries
/// to renew it, it was lost.
#[derive(Debug)]
pub(super) struct VanishedLease {
    /// Holder.
    pub(super) host: Name,
    /// Fencing token.
    pub(super) token: Token,
    /// When it would have ended.
    pub(super) until: Instant,
}

impl Inbox {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        let Self { requests, renewals, releases, ends, reads, revokes, pauses } = self;
        requests.is_empty()
            && renewals.is_empty()
            && releases.is_empty()
            && ends.is_empty()
            && reads.is_empty()
            && revokes.is_empty()
            && pauses.is_empty()
    }

    /// The latest change of the pause.
    pub(super) fn pausing(&self) -> Option<PauseChange> {
        self.pauses.last().map(|(_, to)| PauseChange { to: to.clone(), is_done: false, has_changed: false })
    }

    /// Leases to be ended: releases first, then the others.
    pub(super) fn ends(&self) -> Vec<EndLease> {
        let released =
            self.releases.iter().map(|(_, held)| EndLease::new(LeaseSelector::from(held.clone()), false));
        let others =
            self.ends.iter().map(|end| EndLease::new(LeaseSelector::Lease(end.id), end.by.is_none()));
        released.chain(others).collect()
    }

    /// Leases to be revoked.
    pub(super) fn revokes(&self) -> Vec<RevokeLease> {
        let revoke = |PendingRevoke { id, within, operator, .. }: &_| RevokeLease {
            id: *id,
            within: *within,
            operator: Operator::clone(operator),
            is_done: None,
        };
        self.revokes.iter().map(revoke).collect()
    }

    /// Leases to be renewed, for `max_ttl` at most.
    pub(super) fn renewals(&self, max_ttl: Option<Duration>) -> Vec<RenewLease> {
        let renewal = |&(_, id, ttl): &(_, _, _)| RenewLease { id, ttl, max_ttl, lives: None };
        self.renewals.iter().map(renewal).collect()
    }
}

impl EndLease {
    /// A lease to be ended; `if_ours`: only if no other server has delivered it.
    fn new(what: LeaseSelector, if_ours: bool) -> Self {
        Self { what, if_ours, had: None }
    }
}

impl From<ReleaseTarget> for LeaseSelector {
    fn from(held: ReleaseTarget) -> Self {
        match held {
            ReleaseTarget::Lease(id) => Self::Lease(id),
            ReleaseTarget::Requester(requester) => Self::By(requester),
        }
    }
}

impl Claim {
    /// The claim of this waiter.
    pub(super) fn new(waiter: &Waiter, wants: bool, now: Instant) -> Self {
        Self {
            id: LeaseId::random(),
            requester: waiter.requester.clone(),
            ttl: waiter.ttl,
            patience: waiter.patience,
            present: waiter.present.is_some(),
            waited: now - waiter.since,
            command: waiter.command.clone(),
            wants,
            found: None,
        }
    }

    /// The lease that the claim was granted, undelivered so far; it begins at `at`.
    pub(super) fn lease(&self, slot: &HeldSlot, at: Instant) -> Lease {
        Lease {
            token: slot.token(),
            id: Some(self.id),
            requester: self.requester.clone(),
            since: at,
            waited: self.waited,
            ttl: self.ttl,
            until: self.ttl.map(|ttl| at + ttl),
            patience: self.patience,
            command: self.command.clone(),
            deliveries: 0,
            revoked: None,
        }
    }
}

impl HeldSlot {
    /// The lease, if another server granted it.
    pub(super) fn foreign_lease(&self, now: Instant) -> Lease {
        let LeaseEntry { id, requester, since, waited, ttl, command, .. } = &*self.entry;
        let held = unix_now().saturating_sub(*since);
        Lease {
            token: self.token(),
            id: Some(*id),
            requester: requester.clone(),
            since: now.checked_sub(held).unwrap_or(now),
            waited: *waited,
            ttl: *ttl,
            until: self.estimated_end(now),
            patience: Duration::ZERO,
            command: command.as_deref().map(Into::into),
            deliveries: 1,
            revoked: self.revoked(now),
        }
    }

    /// Estimated end of the lease without renewal: memcached keeps entries up to two seconds longer, and counts in
    /// seconds. `None`: never.
    pub(super) fn estimated_end(&self, now: Instant) -> Option<Instant> {
        let (left, ttl) = (self.left?, self.entry.ttl?);
        let more = Duration::from_secs(whole_seconds(ttl) + 1) - ttl;
        Some(now + left.saturating_sub(more))
    }
}
