//! What a pool wants of its memcached in one go, and what came of it.

use std::{mem, sync::Arc, time::Duration};

use super::{
    entry::ServerRunId, fate::UnsettledWrites, keys::KeyNames, order::QueueOrder, pause::PauseChange,
    revoke::RevokeLease, view::PoolView,
};
use crate::pool::{LeaseId, Requester};

/// Request: pause or resume the pool, end, renew and begin leases as far as possible, and tell how the pool is
/// afterwards. A pool has one at a time.
#[derive(Debug)]
pub(super) struct Job {
    /// Where the pool is kept.
    pub(super) keys: Arc<KeyNames>,
    /// Who asks.
    pub(super) server: ServerRunId,
    /// How many leases there may be at once.
    pub(super) slots: usize,
    /// What was seen last; afterwards, what was seen now.
    pub(super) view: PoolView,
    /// No token that was ever seen of this pool is larger.
    pub(super) highest: u64,
    /// Whether the pool is to be paused, or to go on.
    pub(super) pausing: Option<PauseChange>,
    /// Leases to end.
    pub(super) ends: Vec<EndLease>,
    /// Leases to revoke.
    pub(super) revokes: Vec<RevokeLease>,
    /// Leases to renew.
    pub(super) renewals: Vec<RenewLease>,
    /// Who asks for slots, in the order in which they are to be served.
    pub(super) claims: Vec<Claim>,
    /// What is known of waiters, here and elsewhere.
    pub(super) order: QueueOrder,
    /// What this server has sent, in this job and before, without knowing what came of it.
    pub(super) unsettled: UnsettledWrites,
    /// Why memcached stored something not, in its own words: it is full. `None`: it stored everything.
    pub(super) refused: Option<String>,
}

impl Job {
    /// The job, of which nothing is left behind but its pool.
    pub(super) fn take(&mut self) -> Self {
        Self {
            keys: Arc::clone(&self.keys),
            view: mem::take(&mut self.view),
            pausing: self.pausing.take(),
            ends: mem::take(&mut self.ends),
            revokes: mem::take(&mut self.revokes),
            renewals: mem::take(&mut self.renewals),
            claims: mem::take(&mut self.claims),
            order: mem::take(&mut self.order),
            unsettled: mem::take(&mut self.unsettled),
            refused: self.refused.take(),
            ..*self
        }
    }
}

/// A lease to end.
#[derive(Debug)]
pub(super) struct EndLease {
    /// Which one.
    pub(super) what: LeaseSelector,
    /// Only one of which no other server has told: one that has been changed by another server stays.
    pub(super) if_ours: bool,
    /// Whether there was something to end; `None`: not known yet.
    pub(super) had: Option<bool>,
}

/// Which lease is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeaseSelector {
    /// The one with this secret name.
    Lease(LeaseId),
    /// The one that this asker has.
    By(Requester),
}

/// A lease to renew.
#[derive(Debug)]
pub(super) struct RenewLease {
    /// Which one.
    pub(super) id: LeaseId,
    /// How long it is to live from now; `None`: as long as before.
    pub(super) ttl: Option<Duration>,
    /// The longest that the pool allows.
    pub(super) most: Option<Duration>,
    /// Whether it lives on; `None`: not known yet.
    pub(super) lives: Option<bool>,
}

/// Somebody who asks for a slot.
#[derive(Debug)]
pub(super) struct Claim {
    /// The secret name of the lease that it may get. Each attempt to take a slot has another one: see
    /// [`super::fate`].
    pub(super) id: LeaseId,
    /// Who asks.
    pub(super) requester: Requester,
    /// How long the lease is to live without renewal; `None`: for ever.
    pub(super) ttl: Option<Duration>,
    /// How long it waits at least for its asker to hear of it.
    pub(super) patience: Duration,
    /// Whether its asker is there to hear of it at once; else memcached keeps the lease for its patience, too.
    pub(super) present: bool,
    /// How long its asker stood in line.
    pub(super) waited: Duration,
    /// What the slot is for.
    pub(super) command: Option<Arc<str>>,
    /// Whether it may take a slot; otherwise it is only told of the one it has.
    pub(super) wants: bool,
    /// What came of it; `None`: not known yet.
    pub(super) found: Option<ClaimResult>,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimResult {
    /// It has a slot now, under its own name: `lease(id)` of the view.
    Granted,
    /// Its asker had one already, under this name; renewed if its asker is one that comes back.
    AlreadyHeld(LeaseId),
    /// There is none for it, or the pool is paused.
    NoSlot,
}

impl ClaimResult {
    /// Whether its asker holds a slot.
    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::Granted | Self::AlreadyHeld(_))
    }
}

/// A job that was tried, and why it could not be done to its end. What is not known yet then may or may not have
/// happened.
#[derive(Debug)]
pub(super) struct JobDone {
    /// What came of it.
    pub(super) job: Job,
    /// The reason, for the log.
    pub(super) trouble: Option<String>,
}
