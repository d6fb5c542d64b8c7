//! Public handle of a pool actor.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use distributex_config as config;
use distributex_config::Limits;
use tokio::sync::oneshot;

use super::{
    AcquireRequest, AdminAction, AdminOutcome, Holder, LeaseDetails, LeaseId, Operator, PageCursor,
    PoolSnapshot, Refusal, ReleaseTarget, RequestId, Token,
    actor::{
        Acquire, Cancel, Drain, FindHolder, Flush, PoolActor, ReadSnapshot, Reconfigure, Release, Renew,
    },
    admin::{Administer, CachedSnapshot, FindEndedRun, ReadHistory},
    grant::Grant,
};
use crate::{parking::ClientAddress, telemetry::runs::Run};

/// Handle of a pool; a clone is the same pool.
#[derive(Debug, Clone)]
pub struct PoolHandle {
    addr: Addr<PoolActor>,
}

/// Why a request got no slot, with what the requester may want to know.
#[derive(Debug)]
pub struct Denial {
    /// The reason.
    pub why: Refusal,
    /// Position in the queue, or the one it would have; `None` where queueing would not help.
    pub position: Option<usize>,
    /// The pool, for a requester that has to wait.
    pub state: Option<Box<PoolSnapshot>>,
}

impl PoolHandle {
    /// The handle of this actor.
    #[must_use]
    pub fn new(addr: Addr<PoolActor>) -> Self {
        Self { addr }
    }

    /// Acquires a slot. Dropping the future ends the request: the queue entry of a resumable requester is kept for its
    /// patience, any other is removed.
    ///
    /// # Errors
    /// The reason why there is no slot, or none yet.
    pub async fn acquire(&self, request: AcquireRequest) -> Result<Grant, Denial> {
        self.acquire_from(request, None).await
    }

    /// As [`PoolHandle::acquire`], for a client at this address, which may park no more than its share of requests.
    ///
    /// # Errors
    /// The reason why there is no slot, or none yet.
    pub async fn acquire_from(
        &self,
        request: AcquireRequest,
        address: Option<ClientAddress>,
    ) -> Result<Grant, Denial> {
        let (reply, answer) = oneshot::channel();
        let mut guard = RequestGuard { request: Some(request.id), pool: &self.addr };
        self.addr.do_send(Acquire { request, address, reply });
        let stopping = Denial { why: Refusal::Draining, position: None, state: None };
        let answer = answer.await.unwrap_or(Err(stopping));
        guard.request = None;
        answer
    }

    /// Releases a lease, or whatever a requester has; `false` if there was nothing. `exit_status` is that of the
    /// holder's command, for the history.
    ///
    /// # Errors
    /// The reason why that cannot be done.
    pub async fn release(&self, target: ReleaseTarget, exit_status: Option<u8>) -> Result<bool, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(Release { target, exit_status, reply });
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// The run of a lease that ended recently; `None` if it is not remembered. Only for its holder: the target is
    /// secret.
    pub async fn find_ended_run(&self, target: ReleaseTarget) -> Option<Arc<Run>> {
        self.addr.send(FindEndedRun(target)).await.unwrap_or_default()
    }

    /// Applies an admin action; `None` if no lease or waiter has that token or ticket.
    ///
    /// # Errors
    /// The reason why that cannot be done.
    pub async fn administer(
        &self,
        action: AdminAction,
        operator: Operator,
    ) -> Result<Option<AdminOutcome>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(Administer { action, operator, reply });
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// The latest ended runs, the last one first; `None` if the history is disabled.
    pub async fn history(&self) -> Option<Vec<Arc<Run>>> {
        self.addr.send(ReadHistory).await.unwrap_or_default()
    }

    /// Renews a lease for `ttl` from now; `None`: for as long as when it was granted.
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] when it has ended.
    pub async fn renew(&self, lease: LeaseId, ttl: Option<Duration>) -> Result<LeaseDetails, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(Renew { lease, ttl, reply });
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// The public state of the pool: its first page.
    ///
    /// # Errors
    /// The reason why the store cannot be read.
    pub async fn snapshot(&self) -> Result<PoolSnapshot, Refusal> {
        self.snapshot_page(PageCursor::default()).await
    }

    /// A later page of [`PoolHandle::snapshot`].
    ///
    /// # Errors
    /// The reason why the store cannot be read.
    pub async fn snapshot_page(&self, after: PageCursor) -> Result<PoolSnapshot, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(ReadSnapshot(after, reply));
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// The public state as of the store's last response, also while it is unreachable.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn cached_snapshot(&self) -> Result<PoolSnapshot, Refusal> {
        self.addr.send(CachedSnapshot).await.map_err(|_| Refusal::Draining)
    }

    /// The holder with this token; `None` if there is none.
    ///
    /// # Errors
    /// The reason why the store cannot be read.
    pub async fn holder(&self, token: Token) -> Result<Option<Holder>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(FindHolder(token, reply));
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// Applies changed settings; `None`: the pool is no longer in the configuration. Later requests see the new
    /// settings.
    pub fn reconfigure(&self, settings: Option<config::Pool>, limits: Limits) {
        self.addr.do_send(Reconfigure { settings, limits });
    }

    /// Refuses all waiters with [`Refusal::Draining`] and grants nothing from now on. Returns when what the store was
    /// granting meanwhile has been returned.
    pub async fn drain(&self) {
        self.close().await;
        self.flush().await;
    }

    /// First half of [`PoolHandle::drain`]; takes no time.
    pub(crate) async fn close(&self) {
        let _ = self.addr.send(Drain).await; // an actor that has ended is drained
    }

    /// Second half of [`PoolHandle::drain`]; takes as long as the store does.
    pub(crate) async fn flush(&self) {
        for _ in ["what the store was granting", "grants returned undelivered"] {
            let (reply, flushed) = oneshot::channel();
            self.addr.do_send(Flush(reply));
            let _ = flushed.await; // an actor that has ended is flushed
        }
    }
}

/// Cancels the request when its future is dropped before the response.
#[derive(Debug)]
struct RequestGuard<'a> {
    /// The request; `None` once it was answered.
    request: Option<RequestId>,
    pool: &'a Addr<PoolActor>,
}

impl Drop for RequestGuard<'_> {
    fn drop(&mut self) {
        if let Some(request) = self.request {
            self.pool.do_send(Cancel(request));
        }
    }
}
