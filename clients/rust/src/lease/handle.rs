//! A lease that is renewed in the background.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::AbortHandle};

use super::{
    give_back::{BackgroundReleaser, GiveBack},
    renewal::Renewal,
    secret::Secret,
};
use crate::{
    BootTime, ClientError, LeaseId, LeaseRecord, LeaseStatus, RevocationNotice, Server,
    transport::server_set::ServerSet,
};

/// A slot that is held. The lease is renewed in the background, every third of its time to live, until it is
/// released, dropped or lost.
///
/// Dropping it stops the renewal and releases the slot in the background, for which the runtime must continue
/// for a moment ([`Client::settled`](crate::Client::settled) waits for that); [`Lease::release`] is better,
/// as it reports errors. Without either, as when the process is killed, the lease expires after its time to
/// live.
#[derive(Debug)]
pub struct Lease {
    /// The lease.
    held: LeaseState,
    /// Time it took to acquire.
    waited: Duration,
    /// Its status.
    status: watch::Receiver<LeaseStatus>,
    /// Stops the renewal.
    renewal: AbortHandle,
    /// Servers.
    servers: Arc<ServerSet>,
    /// The background task that releases it if it is dropped.
    background: BackgroundReleaser,
    /// Whether to release it when dropped.
    is_released: bool,
}

/// A lease as it was granted.
#[derive(Debug, Clone)]
pub(crate) struct LeaseState {
    /// The pool.
    pub(crate) pool: String,
    /// The host.
    pub(crate) host: String,
    /// The lease id.
    pub(crate) id: Secret,
    /// The fencing token.
    pub(crate) token: u64,
    /// The requested time to live.
    pub(crate) wanted: Option<Duration>,
    /// The granted time to live.
    pub(crate) ttl: Option<Duration>,
    /// Time left at `renewed_at`.
    pub(crate) left: Option<Duration>,
    /// Time the request was sent.
    pub(crate) renewed_at: BootTime,
    /// Set if it is revoked.
    pub(crate) revoked: Option<RevocationNotice>,
    /// The server that granted it.
    pub(crate) server: Server,
    /// The id of its store.
    pub(crate) store: String,
}

impl LeaseState {
    /// The status at the last renewal.
    pub(crate) fn status(&self) -> LeaseStatus {
        LeaseStatus::Held { ttl: self.left, renewed_at: self.renewed_at, revoked: self.revoked.clone() }
    }
}

impl Lease {
    /// Starts the renewal of a lease that was just granted.
    pub(crate) fn keep(
        held: LeaseState,
        waited: Duration,
        servers: &Arc<ServerSet>,
        background: &BackgroundReleaser,
    ) -> Self {
        let (tell, status) = watch::channel(held.status());
        let renewal = Renewal::new(Arc::clone(servers), held.clone(), tell);
        let renewal = tokio::spawn(renewal.run()).abort_handle();
        let (servers, background) = (Arc::clone(servers), background.clone());
        Self { held, waited, status, renewal, servers, background, is_released: false }
    }

    /// The fencing token: it rises with every grant of the pool, so that a protected resource can refuse an
    /// older one.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.held.token
    }

    /// The time to live when it was granted; `None`: it does not expire. [`Lease::status`] has its current
    /// value.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.held.ttl
    }

    /// Time from the request to the grant.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The server that granted it.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.held.server
    }

    /// The id of its store.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.held.store
    }

    /// The status, updated after every renewal. The receiver may outlive the lease; the status then no longer
    /// changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<LeaseStatus> {
        self.status.clone()
    }

    /// Waits until the lease is lost, and returns the reason: the server ended it, or could not be reached
    /// before it expired. The protected resource must not be used afterwards.
    ///
    /// Cancel-safe. It returns *at* that moment; work that needs time to stop must use the deadline in
    /// [`Lease::status`] and stop earlier. A revoke is reported there too.
    pub async fn lost(&self) -> String {
        let mut status = self.status.clone();
        let is_lost = |status: &LeaseStatus| matches!(status, LeaseStatus::Lost { .. });
        match status.wait_for(is_lost).await.as_deref() {
            Ok(LeaseStatus::Lost { why, .. }) => why.clone(),
            Ok(LeaseStatus::Held { .. }) | Err(_) => std::future::pending().await,
        }
    }

    /// Releases the lease. Retries while no server can be reached, for at most ten seconds. If this is
    /// cancelled, it continues in the background.
    ///
    /// # Errors
    /// When no server confirmed: the lease expires after its time to live. A refusal of the kind
    /// [`LeaseLost`](crate::ErrorKind::LeaseLost) means that it had already ended.
    pub async fn release(self) -> Result<(), ClientError> {
        self.release_inner(None).await
    }

    /// Like [`Lease::release`], and reports the exit status of the work, 128 + n for signal n. The server
    /// keeps it in the history.
    ///
    /// # Errors
    /// As [`Lease::release`].
    pub async fn release_with_status(self, exit_status: u8) -> Result<(), ClientError> {
        self.release_inner(Some(exit_status)).await
    }

    async fn release_inner(mut self, exit_status: Option<u8>) -> Result<(), ClientError> {
        self.renewal.abort();
        let back = GiveBack::Lease(self.held.id.clone(), exit_status);
        let given = back.give(&self.servers, &self.held.pool).await;
        self.is_released = true;
        given
    }

    /// Stops the renewal without a release. With the record, the lease can be renewed and released
    /// ([`Client::renew`](crate::Client::renew), [`Client::release`](crate::Client::release)).
    #[must_use = "the lease can be released only with the record"]
    pub fn detach(mut self) -> LeaseRecord {
        self.renewal.abort();
        self.is_released = true;
        let LeaseState { pool, host, id, token, ttl, store, .. } = self.held.clone();
        let (left, good) = match &*self.status.borrow() {
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
        if !self.is_released {
            self.background.give(&self.held.pool, GiveBack::Lease(self.held.id.clone(), None));
        }
    }
}
