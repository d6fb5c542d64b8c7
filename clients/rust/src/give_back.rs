//! What is done in the background: giving back what nobody wants any more.

use std::{rc::Rc, time::Duration};

use tokio::{
    select,
    sync::{mpsc, oneshot},
    task::{JoinSet, spawn_local},
    time::{sleep, timeout},
};

use super::{Backoff, ClientError, ErrorKind, Refusal, secret::Secret, server_set::ServerSet, v1::V1Call};

/// How long to try to leave a line. After that, the place ends with its patience.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(4);
/// How long to try to give a lease back. After that, it ends with its time to live.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take to answer one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// What is to be given back.
#[derive(Debug)]
pub(super) enum GiveBack {
    /// A lease, and how the work ended that it was held for, if that is known.
    Lease(Secret, Option<u8>),
    /// Whatever this asker has: a place, or a lease on its way.
    Asker {
        /// Its host.
        host: String,
        /// Its owner.
        owner: Secret,
    },
}

impl GiveBack {
    /// Tries until a server took it, but not for ever.
    pub(super) async fn give(&self, asker: &ServerSet, pool: &str) -> Result<(), ClientError> {
        let (call, patience) = match self {
            Self::Lease(lease, exit_status) => {
                (V1Call::Release { lease, exit_status: *exit_status }, RELEASE_TIMEOUT)
            }
            Self::Asker { host, owner } => (V1Call::Leave { host, owner }, CANCEL_TIMEOUT),
        };
        let mut trouble = None;
        let given = timeout(patience, attempts(asker, pool, &call, &mut trouble)).await;
        given.unwrap_or_else(|_| Err(trouble.unwrap_or(ClientError::NoServer)))
    }
}

async fn attempts(
    asker: &ServerSet,
    pool: &str,
    call: &V1Call<'_>,
    trouble: &mut Option<ClientError>,
) -> Result<(), ClientError> {
    let mut backoff = Backoff::new();
    loop {
        let Err(failure) = asker.call(pool, call, ATTEMPT_TIMEOUT).await else { return Ok(()) };
        match failure.error.refusal() {
            // An attempt whose answer was lost may have done it.
            Some(refusal) if trouble.is_some() && may_be_released(refusal) => return Ok(()),
            Some(refusal) if !refusal.kind.is_server_unavailable() => return Err(failure.error),
            None if !failure.try_next_server() => return Err(failure.error),
            Some(_) | None => *trouble = Some(failure.error),
        }
        sleep(backoff.pause()).await;
    }
}

/// Whether this refusal says that the lease was released, or leaves that open.
fn may_be_released(refusal: &Refusal) -> bool {
    refusal.kind == ErrorKind::LeaseLost && refusal.ended.as_ref().is_none_or(|ended| ended.how == "released")
}

/// A job for the background.
#[derive(Debug)]
enum ReleaseJob {
    /// Give this back, to this pool.
    Give(String, GiveBack),
    /// Tell when everything else is done.
    Tell(oneshot::Sender<()>),
}

/// Where jobs are handed in. A job can be handed in from a `drop`, where nothing can be started or awaited.
#[derive(Debug, Clone)]
pub(super) struct BackgroundReleaser(mpsc::UnboundedSender<ReleaseJob>);

impl BackgroundReleaser {
    /// Starts to take jobs, until the last handle of it is gone.
    pub(super) fn start(asker: Rc<ServerSet>) -> Self {
        let (send, jobs) = mpsc::unbounded_channel();
        spawn_local(work(asker, jobs));
        Self(send)
    }

    pub(super) fn give(&self, pool: &str, back: GiveBack) {
        let _ = self.0.send(ReleaseJob::Give(pool.to_owned(), back)); // without a runtime, nobody can do it
    }

    /// Comes back when all jobs are done that were handed in until now.
    pub(super) async fn settled(&self) {
        let (tell, told) = oneshot::channel();
        if self.0.send(ReleaseJob::Tell(tell)).is_ok() {
            let _ = told.await; // gone with the runtime
        }
    }
}

async fn work(asker: Rc<ServerSet>, mut jobs: mpsc::UnboundedReceiver<ReleaseJob>) {
    let (mut running, mut listeners) = (JoinSet::new(), Vec::new());
    loop {
        if running.is_empty() {
            listeners.drain(..).for_each(|tell: oneshot::Sender<()>| {
                let _ = tell.send(());
            });
        }
        select! {
            job = jobs.recv() => match job {
                Some(ReleaseJob::Give(pool, back)) => {
                    let asker = Rc::clone(&asker);
                    running.spawn_local(async move { back.give(&asker, &pool).await });
                }
                Some(ReleaseJob::Tell(tell)) => listeners.push(tell),
                None => break,
            },
            Some(_) = running.join_next() => {}
        }
    }
    while running.join_next().await.is_some() {}
}
