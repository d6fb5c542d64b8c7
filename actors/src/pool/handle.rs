//! What the outside has of a pool: asks that become messages, and answers.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use distributex_config as config;
use distributex_config::{Limits, Name};
use tokio::sync::oneshot;

use super::{
    AcquireRequest, AdminAction, AdminOutcome, Holder, LeaseDetails, LeaseId, Operator, PageCursor,
    PoolSnapshot, Refusal, ReleaseTarget, RequestId, Requester, Token,
    actor::{Acquire, Cancel, Drain, FindHolder, PoolActor, ReadSnapshot, Reconfigure, Release, Renew},
    admin::{Administer, CachedSnapshot, FindEndedRun, ReadHistory},
    grant::Grant,
};
use crate::{parking::ClientAddress, telemetry::runs::Run};

/// A pool, for those who use it.
#[derive(Debug, Clone)]
pub struct PoolHandle {
    addr: Addr<PoolActor>,
}

/// Why an ask got nothing, and what else there is to know.
#[derive(Debug)]
pub struct Denial {
    /// The reason.
    pub why: Refusal,
    /// Where its asker stands in the line, or would stand; `None` where nothing would help.
    pub position: Option<usize>,
    /// The pool as it is, for an asker that has to wait. Never for a classic host, which would not be told.
    pub state: Option<Box<PoolSnapshot>>,
}

impl PoolHandle {
    /// The pool of this actor.
    #[must_use]
    pub fn new(addr: Addr<PoolActor>) -> Self {
        Self { addr }
    }

    /// A slot for this host in the classic protocol, at once.
    ///
    /// # Errors
    /// The reason why there is none.
    pub async fn get(&self, host: Name) -> Result<Grant, Refusal> {
        self.acquire(AcquireRequest::classic(host, false)).await.map_err(|denial| denial.why)
    }

    /// A slot for this host in the classic protocol, as soon as it is its turn. Who drops the future before
    /// leaves the line at once.
    ///
    /// # Errors
    /// The reason why it cannot wait, or cannot wait any longer.
    pub async fn wait(&self, host: Name) -> Result<Grant, Refusal> {
        self.acquire(AcquireRequest::classic(host, true)).await.map_err(|denial| denial.why)
    }

    /// A slot for this ask. Dropping the future is the end of its request: the place of an asker that comes
    /// back is kept for its patience, any other one is given up.
    ///
    /// # Errors
    /// Why there is no slot, or none yet.
    pub async fn acquire(&self, request: AcquireRequest) -> Result<Grant, Denial> {
        self.acquire_from(request, None).await
    }

    /// The same for a client at this address, which may park no more than its share of asks.
    ///
    /// # Errors
    /// Why there is no slot, or none yet.
    pub async fn acquire_from(
        &self,
        request: AcquireRequest,
        address: Option<ClientAddress>,
    ) -> Result<Grant, Denial> {
        let (reply, answer) = oneshot::channel();
        let mut position = RequestGuard { request: Some(request.id), pool: &self.addr };
        self.addr.do_send(Acquire { request, address, reply });
        let stopping = Denial { why: Refusal::Draining, position: None, state: None };
        let answer = answer.await.unwrap_or(Err(stopping));
        position.request = None;
        answer
    }

    /// Gives back what this host holds in the classic protocol, if it holds anything.
    ///
    /// # Errors
    /// The reason why that cannot be done.
    pub async fn release_host(&self, host: Name) -> Result<(), Refusal> {
        self.release(ReleaseTarget::Requester(Requester::Host(host)), None).await.map(drop)
    }

    /// Ends a lease, or whatever an asker has. False if there was nothing. `exit_status` is that of what the slot
    /// was for, if its holder tells: a note for people.
    ///
    /// # Errors
    /// The reason why that cannot be done.
    pub async fn release(&self, held: ReleaseTarget, exit_status: Option<u8>) -> Result<bool, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(Release { held, exit_status, reply });
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// How the lease that this names ended, if that is known and it ended recently: for whoever held it, as the
    /// name is a secret.
    pub async fn find_ended_run(&self, held: ReleaseTarget) -> Option<Arc<Run>> {
        self.addr.send(FindEndedRun(held)).await.unwrap_or_default()
    }

    /// Does what an operator wants. `None` if nobody has that token or ticket.
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

    /// The latest runs that ended, the last one first; `None` if none are kept.
    pub async fn history(&self) -> Option<Vec<Arc<Run>>> {
        self.addr.send(ReadHistory).await.unwrap_or_default()
    }

    /// Lets a lease live for `ttl` from now, or for as long as when it was granted.
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] when it is over.
    pub async fn renew(&self, lease: LeaseId, ttl: Option<Duration>) -> Result<LeaseDetails, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(Renew { lease, ttl, reply });
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// What anybody may know of the pool.
    ///
    /// # Errors
    /// The reason why that cannot be known.
    pub async fn snapshot(&self) -> Result<PoolSnapshot, Refusal> {
        self.snapshot_page(PageCursor::default()).await
    }

    /// A later page of the same.
    ///
    /// # Errors
    /// The reason why that cannot be known.
    pub async fn snapshot_page(&self, after: PageCursor) -> Result<PoolSnapshot, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(ReadSnapshot(after, reply));
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// The same as it was when the store last answered, also while that is away.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn cached_snapshot(&self) -> Result<PoolSnapshot, Refusal> {
        self.addr.send(CachedSnapshot).await.map_err(|_| Refusal::Draining)
    }

    /// Who holds a slot with this token, if anybody does.
    ///
    /// # Errors
    /// The reason why that cannot be known.
    pub async fn holder(&self, token: Token) -> Result<Option<Holder>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(FindHolder(token, reply));
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// Lets the pool go on as the configuration now says; without settings, it is not in it any more. What is
    /// asked from now on is asked of the pool as it is then.
    pub fn reconfigure(&self, settings: Option<config::Pool>, limits: Limits) {
        self.addr.do_send(Reconfigure { settings, limits });
    }

    /// Answers everybody who waits with [`Refusal::Draining`], and grants nothing from now on. What the store was
    /// just granting is given back when this returns.
    pub async fn drain(&self) {
        self.close().await;
        self.flush().await;
    }

    /// The first half of [`PoolHandle::drain`], which takes no time.
    pub(crate) async fn close(&self) {
        let _ = self.addr.send(Drain).await; // an actor that is gone is drained
    }

    /// The other half, which takes as long as the store does.
    pub(crate) async fn flush(&self) {
        for _ in ["granted by the store", "given back to it"] {
            let _ = self.snapshot().await; // its answer comes after those of all earlier requests
        }
    }
}

/// Ends the waiting when the asker is gone before it was answered.
#[derive(Debug)]
struct RequestGuard<'a> {
    /// Who waits; `None` once it was answered.
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
