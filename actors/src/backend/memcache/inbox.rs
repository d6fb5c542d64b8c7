//! What goes into a pool's next job, and what it remembers of leases.

use std::time::Duration;

use distributex_config::Name;
use tokio::time::Instant;

use super::{
    entry::LeaseEntry,
    job::{Claim, EndLease, LeaseSelector, RenewLease},
    pause::PauseChange,
    revoke::RevokeLease,
    view::HeldSlot,
};
use crate::pool::{
    AcquireRequest, EndReason, LeaseId, Operator, ReleaseTarget, RequestId, Token, lease::Lease,
    queue::Waiter,
};

/// What goes into the next job.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Who asks for a slot.
    pub(super) requests: Vec<AcquireRequest>,
    /// Who wants to keep one, and for how long.
    pub(super) renewals: Vec<(RequestId, LeaseId, Option<Duration>)>,
    /// Who wants to give something back.
    pub(super) releases: Vec<(RequestId, ReleaseTarget)>,
    /// Leases that this server ends by itself.
    pub(super) takebacks: Vec<PendingRevocation>,
    /// Who wants to know how the pool is.
    pub(super) looks: Vec<RequestId>,
    /// Leases that operators revoke.
    pub(super) revokes: Vec<PendingRevoke>,
    /// Which operators pause the pool, or let it go on: `None`.
    pub(super) pauses: Vec<(RequestId, Option<Operator>)>,
}

/// A lease that is over, or of which nobody is to be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingRevocation {
    /// Its secret name.
    pub(super) id: LeaseId,
    /// Its token and how it ends; `None` for one that was written without an answer, and is nobody's.
    pub(super) known: Option<(Token, EndReason)>,
    /// The request of an operator who wants it to end, whoever was told of it.
    pub(super) by: Option<RequestId>,
}

/// A lease that an operator revokes.
#[derive(Debug)]
pub(super) struct PendingRevoke {
    /// The operator's request.
    pub(super) request: RequestId,
    /// Its token.
    pub(super) token: Token,
    /// Its secret name.
    pub(super) id: LeaseId,
    /// For how long renewals extend it at most.
    pub(super) within: Option<Duration>,
    /// Who revokes it.
    pub(super) operator: Operator,
}

/// What is known of a lease besides what the rules know.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeaseMeta {
    /// The number of its entry's latest change.
    pub(super) cas: u64,
    /// Whether this server ends it in time.
    pub(super) is_ours: bool,
    /// Whether this server granted it.
    pub(super) began_here: bool,
}

/// A lease that was gone before its time. Its holder may have released it at another server; if it wants to renew
/// it, it is lost.
#[derive(Debug)]
pub(super) struct VanishedLease {
    /// Who held it.
    pub(super) host: Name,
    /// Its fencing number.
    pub(super) token: Token,
    /// When it would have ended.
    pub(super) until: Instant,
}

impl Inbox {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        let Self { requests, renewals, releases, takebacks, looks, revokes, pauses } = self;
        requests.is_empty()
            && renewals.is_empty()
            && releases.is_empty()
            && takebacks.is_empty()
            && looks.is_empty()
            && revokes.is_empty()
            && pauses.is_empty()
    }

    /// The last word on whether the pool is paused.
    pub(super) fn pausing(&self) -> Option<PauseChange> {
        self.pauses.last().map(|(_, to)| PauseChange { to: to.clone(), is_done: false, has_changed: false })
    }

    /// The leases to end: those that are released, then those that are taken back.
    pub(super) fn ends(&self) -> Vec<EndLease> {
        let released =
            self.releases.iter().map(|(_, held)| EndLease::new(LeaseSelector::from(held.clone()), false));
        let taken = self
            .takebacks
            .iter()
            .map(|takeback| EndLease::new(LeaseSelector::Lease(takeback.id), takeback.by.is_none()));
        released.chain(taken).collect()
    }

    /// The leases to revoke.
    pub(super) fn revokes(&self) -> Vec<RevokeLease> {
        let revoke = |PendingRevoke { id, within, operator, .. }: &_| RevokeLease {
            id: *id,
            within: *within,
            operator: Operator::clone(operator),
            is_done: None,
        };
        self.revokes.iter().map(revoke).collect()
    }

    /// The leases to renew, in a pool that allows so long a time at most.
    pub(super) fn renewals(&self, most: Option<Duration>) -> Vec<RenewLease> {
        let renewal = |&(_, id, ttl): &(_, _, _)| RenewLease { id, ttl, most, lives: None };
        self.renewals.iter().map(renewal).collect()
    }
}

impl EndLease {
    /// To be ended, by all means or only if no other server has told of it.
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
    /// What the store is to be asked for this waiter.
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

    /// The lease that it was granted, of which nobody has been told yet. It lives from `at` on.
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
    /// A lease that was granted without us.
    pub(super) fn foreign_lease(&self, now: Instant) -> Lease {
        let LeaseEntry { id, requester, since, waited, ttl, command, .. } = &*self.entry;
        let clock = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
        let held = clock.unwrap_or_default().saturating_sub(*since);
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

    /// When the lease ends without renewal, as far as memcached tells: it keeps entries for up to two seconds
    /// longer, and counts in seconds. `None`: never.
    pub(super) fn estimated_end(&self, now: Instant) -> Option<Instant> {
        let (left, ttl) = (self.left?, self.entry.ttl?);
        let more = Duration::from_secs(ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0) + 1) - ttl;
        Some(now + left.saturating_sub(more))
    }
}
