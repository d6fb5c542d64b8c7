//! A slot that is held, and kept for as long as it is wanted.

use std::{rc::Rc, time::Duration};

use tokio::{
    sync::watch,
    task::{AbortHandle, spawn_local},
};

use super::{
    BootTime, ClientError, LeaseId, LeaseRecord, LeaseStatus, RevocationNotice, Server,
    give_back::{BackgroundReleaser, GiveBack},
    renewal::Renewal,
    secret::Secret,
    server_set::ServerSet,
};

/// A slot that is held. It is renewed in the background, every third of its time to live, until it is
/// released, dropped or lost.
///
/// Dropping it stops the renewal and gives the slot back in the background, for which the runtime has to go
/// on for a moment ([`Client::settled`](super::Client::settled) waits for that); [`Lease::release`] is better,
/// as it tells how that went. Without either, as when the process is killed, the slot is free again when its
/// time to live is over.
#[derive(Debug)]
pub struct Lease {
    /// What it is.
    held: LeaseState,
    /// How long it took to get.
    waited: Duration,
    /// How it stands.
    standing: watch::Receiver<LeaseStatus>,
    /// Ends the renewal.
    renewal: AbortHandle,
    /// Whom to ask.
    asker: Rc<ServerSet>,
    /// Who gives it back if nobody else does.
    background: BackgroundReleaser,
    /// Whether it is to be given back when this is dropped.
    given_back: bool,
}

/// What is known of a lease when it comes.
#[derive(Debug, Clone)]
pub(super) struct LeaseState {
    /// The pool it is of.
    pub(super) pool: String,
    /// The host it was given to.
    pub(super) host: String,
    /// Its id.
    pub(super) id: Secret,
    /// Its fencing number.
    pub(super) token: u64,
    /// The time to live that was asked for.
    pub(super) wanted: Option<Duration>,
    /// The time to live it came with.
    pub(super) ttl: Option<Duration>,
    /// How much of that there was at `good`.
    pub(super) left: Option<Duration>,
    /// When the request was sent that this counts from.
    pub(super) renewed_at: BootTime,
    /// Set if an operator wants it back.
    pub(super) revoked: Option<RevocationNotice>,
    /// Who gave it.
    pub(super) server: Server,
    /// The store it is in.
    pub(super) store: String,
}

impl LeaseState {
    /// How it stands, as of the last renewal.
    pub(super) fn status(&self) -> LeaseStatus {
        LeaseStatus::Held { ttl: self.left, renewed_at: self.renewed_at, revoked: self.revoked.clone() }
    }
}

impl Lease {
    /// Begins to renew a lease that just came.
    pub(super) fn keep(
        held: LeaseState,
        waited: Duration,
        asker: &Rc<ServerSet>,
        background: &BackgroundReleaser,
    ) -> Self {
        let (tell, standing) = watch::channel(held.status());
        let renewal = Renewal::new(Rc::clone(asker), held.clone(), tell);
        let renewal = spawn_local(renewal.run()).abort_handle();
        let (asker, background) = (Rc::clone(asker), background.clone());
        Self { held, waited, standing, renewal, asker, background, given_back: false }
    }

    /// The fencing number: it rises with every grant of the pool, so that what the slot protects can refuse
    /// whoever comes with an older one.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.held.token
    }

    /// The time to live that it came with; none if it never ends by itself. [`Lease::status`] tells what a
    /// renewal made of it.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.held.ttl
    }

    /// How long it took to get, from the ask to the grant.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The server that gave it.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.held.server
    }

    /// The id of the store it is in.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.held.store
    }

    /// How it stands, now and after every renewal. It may be used longer than the lease; when that is gone,
    /// it just does not change any more.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<LeaseStatus> {
        self.standing.clone()
    }

    /// Comes back when the lease is lost, and says why: the server ended it, or could not be reached until
    /// its time was over. What it protects must not be touched any more.
    ///
    /// May be cancelled. This is told *at* that moment; who needs time to stop its work takes the deadline
    /// from [`Lease::status`] and begins before. There it is also told when an operator only asks for the slot.
    pub async fn lost(&self) -> String {
        let mut standing = self.standing.clone();
        let is_lost = |standing: &LeaseStatus| matches!(standing, LeaseStatus::Lost { .. });
        match standing.wait_for(is_lost).await.as_deref() {
            Ok(LeaseStatus::Lost { why, .. }) => why.clone(),
            Ok(LeaseStatus::Held { .. }) | Err(_) => std::future::pending().await,
        }
    }

    /// Gives the slot back. Tries again while no server can be reached, for ten seconds at most. If this is
    /// cancelled, it goes on in the background.
    ///
    /// # Errors
    /// When no server took it: the slot is free when its time to live is over. A refusal of the kind
    /// [`LeaseLost`](super::ErrorKind::LeaseLost) says that there was nothing to give back any more.
    pub async fn release(self) -> Result<(), ClientError> {
        self.release_inner(None).await
    }

    /// As [`Lease::release`], and reports how the work ended that the slot was held for: its exit status,
    /// 128 + n for signal n. The server keeps that with the run.
    ///
    /// # Errors
    /// As [`Lease::release`].
    pub async fn release_with_status(self, exit_status: u8) -> Result<(), ClientError> {
        self.release_inner(Some(exit_status)).await
    }

    async fn release_inner(mut self, exit_status: Option<u8>) -> Result<(), ClientError> {
        self.renewal.abort();
        let back = GiveBack::Lease(self.held.id.clone(), exit_status);
        let given = back.give(&self.asker, &self.held.pool).await;
        self.given_back = true;
        given
    }

    /// Leaves it as it is: nothing renews it any more and nothing gives it back, but who has the record can
    /// do both ([`Client::renew`](super::Client::renew), [`Client::release`](super::Client::release)).
    #[must_use = "the lease can be released only with the record"]
    pub fn detach(mut self) -> LeaseRecord {
        self.renewal.abort();
        self.given_back = true;
        let LeaseState { pool, host, id, token, ttl, store, .. } = self.held.clone();
        let (left, good) = match &*self.standing.borrow() {
            LeaseStatus::Held { ttl, renewed_at: good, .. } => (*ttl, *good),
            LeaseStatus::Lost { .. } => (Some(Duration::ZERO), BootTime::now()),
        };
        let (id, waited) = (LeaseId(id), Some(self.waited));
        let (expires_in, expires_at) = (None, None);
        LeaseRecord { id, token, pool, host, ttl, expires_in, expires_at, waited, store }.living(left, good)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
        if !self.given_back {
            self.background.give(&self.held.pool, GiveBack::Lease(self.held.id.clone(), None));
        }
    }
}
