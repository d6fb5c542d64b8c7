//! Job: what a pool requests of its memcached at once, and the outcome.

pub(crate) mod interpret;
mod job_run;
pub(crate) mod order;
pub(crate) mod plan;
pub(crate) mod planned_write;
pub(crate) mod read;
pub(crate) mod revoke;
pub(crate) mod run;
pub(crate) mod token_base;
pub(crate) mod view;

use std::{mem, sync::Arc, time::Duration};

use self::{order::QueueOrder, revoke::RevokeLease, view::PoolView};
use crate::{
    backend::memcache::{
        entry::{ServerRunId, keys::KeyNames, pause::PauseChange},
        fate::UnsettledWrites,
    },
    pool::{LeaseId, Requester},
};

/// Changes the pause; ends, revokes, renews and grants leases as far as possible; and reads the pool. A pool has one
/// in flight.
#[derive(Debug)]
pub(crate) struct Job {
    /// Keys of the pool.
    pub(crate) keys: Arc<KeyNames>,
    /// This server.
    pub(crate) server: ServerRunId,
    /// Number of slots.
    pub(crate) slots: usize,
    /// The last view of the pool; when the job is done, the new one.
    pub(crate) view: PoolView,
    /// Highest token seen of this pool.
    pub(crate) highest_token: u64,
    /// Change of the pause.
    pub(crate) pausing: Option<PauseChange>,
    /// Leases to be ended.
    pub(crate) ends: Vec<EndLease>,
    /// Leases to be revoked.
    pub(crate) revokes: Vec<RevokeLease>,
    /// Leases to be renewed.
    pub(crate) renewals: Vec<RenewLease>,
    /// Requests for slots, in the order in which they are to be served.
    pub(crate) claims: Vec<Claim>,
    /// Waiters here and at other servers.
    pub(crate) order: QueueOrder,
    /// Writes of this server without a reply, in this job and earlier ones.
    pub(crate) unsettled: UnsettledWrites,
    /// Memcached's reason for refusing to store something; `None`: it stored everything.
    pub(crate) refused: Option<String>,
}

impl Job {
    /// Takes the job, and leaves an empty one of the same pool.
    pub(crate) fn take(&mut self) -> Self {
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

/// A lease to be ended.
#[derive(Debug)]
pub(crate) struct EndLease {
    /// The lease.
    pub(crate) what: LeaseSelector,
    /// Only if no other server has delivered it, which changes its entry.
    pub(crate) if_ours: bool,
    /// Whether there was something to end; `None`: not known yet.
    pub(crate) had: Option<bool>,
}

/// Selects a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LeaseSelector {
    /// By its id.
    Lease(LeaseId),
    /// By its requester.
    By(Requester),
}

/// A lease to be renewed.
#[derive(Debug)]
pub(crate) struct RenewLease {
    /// Lease id.
    pub(crate) id: LeaseId,
    /// New lifetime; `None`: as before.
    pub(crate) ttl: Option<Duration>,
    /// Maximum lifetime of the pool.
    pub(crate) max_ttl: Option<Duration>,
    /// Whether it lives on; `None`: not known yet.
    pub(crate) lives: Option<bool>,
}

/// A request for a slot.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Id of the lease that it may get. Each attempt to take a slot has another one: see [`super::fate`].
    pub(crate) id: LeaseId,
    /// Requester.
    pub(crate) requester: Requester,
    /// Lifetime of the lease without renewal; `None`: unlimited.
    pub(crate) ttl: Option<Duration>,
    /// Minimum time for which the undelivered lease is kept.
    pub(crate) patience: Duration,
    /// Whether the request is parked; otherwise memcached keeps the lease for its patience as well.
    pub(crate) present: bool,
    /// Time its requester spent in the queue.
    pub(crate) waited: Duration,
    /// Note of the request.
    pub(crate) command: Option<Arc<str>>,
    /// Whether it may take a slot; otherwise it only learns of the one that its requester has.
    pub(crate) wants: bool,
    /// Outcome; `None`: not known yet.
    pub(crate) found: Option<ClaimResult>,
}

/// Outcome of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimResult {
    /// It has a slot, with its own id: `lease(id)` of the view.
    Granted,
    /// Its requester had a slot, with this id; renewed if the requester is resumable.
    AlreadyHeld(LeaseId),
    /// No slot is free for it, or the pool is paused.
    NoSlot,
}

impl ClaimResult {
    /// Whether the requester holds a slot.
    pub(crate) fn is_held(self) -> bool {
        matches!(self, Self::Granted | Self::AlreadyHeld(_))
    }
}

/// A finished job. If it failed, what has no outcome may or may not have happened.
#[derive(Debug)]
pub(crate) struct JobDone {
    /// The job with its outcome.
    pub(crate) job: Job,
    /// Why it failed, for the log; `None` if it did not.
    pub(crate) error: Option<String>,
}
