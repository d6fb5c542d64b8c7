//! Background task that releases what is no longer wanted.

use std::{sync::Arc, time::Duration};

use tokio::{
    select,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::secret::Secret;
use crate::{Backoff, ClientError, ErrorKind, Refusal, transport::server_set::ServerSet, v1::V1Call};

/// Time limit for leaving a queue. After that, the entry ends with its patience.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(4);
/// Time limit for releasing a lease. After that, it ends with its time to live.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for one response.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// Something to release.
#[derive(Debug)]
pub(crate) enum GiveBack {
    /// A lease, with the exit status of the work if known.
    Lease(Secret, Option<u8>),
    /// Whatever this requester has: a queue entry, or a lease on its way.
    Requester {
        /// The host.
        host: String,
        /// The owner.
        owner: Secret,
    },
}

impl GiveBack {
    /// Tries until a server confirms, for a limited time.
    pub(crate) async fn give(&self, servers: &ServerSet, pool: &str) -> Result<(), ClientError> {
        let (call, patience) = match self {
            Self::Lease(lease, exit_status) => {
                (V1Call::Release { lease, exit_status: *exit_status }, RELEASE_TIMEOUT)
            }
            Self::Requester { host, owner } => (V1Call::Leave { host, owner }, CANCEL_TIMEOUT),
        };
        let mut problem = None;
        let given = timeout(patience, attempts(servers, pool, &call, &mut problem)).await;
        given.unwrap_or_else(|_| Err(problem.unwrap_or(ClientError::NoServer)))
    }

    /// As [`GiveBack::give`]; a requester that no server can know has nothing to give back.
    async fn give_in_background(&self, servers: &ServerSet, pool: &str) {
        if matches!(self, Self::Lease(..)) || servers.has_connected().await {
            let _ = self.give(servers, pool).await; // the lease or the queue entry ends by itself
        }
    }
}

async fn attempts(
    servers: &ServerSet,
    pool: &str,
    call: &V1Call<'_>,
    problem: &mut Option<ClientError>,
) -> Result<(), ClientError> {
    let mut backoff = Backoff::new();
    loop {
        let Err(failure) = servers.call(pool, call, ATTEMPT_TIMEOUT).await else { return Ok(()) };
        match failure.error.refusal() {
            // An attempt whose response was lost may have released it.
            Some(refusal) if problem.is_some() && may_be_released(refusal) => return Ok(()),
            Some(refusal) if !refusal.kind.is_server_unavailable() => return Err(failure.error),
            None if !failure.try_next_server() => return Err(failure.error),
            Some(_) | None => *problem = Some(failure.error),
        }
        sleep(backoff.pause()).await;
    }
}

/// Whether this refusal means that the lease was released, or may have been.
fn may_be_released(refusal: &Refusal) -> bool {
    refusal.kind == ErrorKind::LeaseLost && refusal.ended.as_ref().is_none_or(|ended| ended.how == "released")
}

/// A job of the task.
#[derive(Debug)]
enum ReleaseJob {
    /// Release this in this pool.
    Give(String, GiveBack),
    /// Notify when all earlier jobs are done.
    Settle(oneshot::Sender<()>),
}

/// Queue of jobs. A job can be added in a `drop`, where nothing can be started or awaited.
#[derive(Debug, Clone)]
pub(crate) struct BackgroundReleaser(mpsc::UnboundedSender<ReleaseJob>);

impl BackgroundReleaser {
    /// Starts the task; it ends with the last handle.
    pub(crate) fn start(servers: Arc<ServerSet>) -> Self {
        let (send, jobs) = mpsc::unbounded_channel();
        tokio::spawn(work(servers, jobs));
        Self(send)
    }

    pub(crate) fn give(&self, pool: &str, back: GiveBack) {
        let _ = self.0.send(ReleaseJob::Give(pool.to_owned(), back)); // impossible without a runtime
    }

    /// Waits until all jobs added so far are done.
    pub(crate) async fn settled(&self) {
        let (done, settled) = oneshot::channel();
        if self.0.send(ReleaseJob::Settle(done)).is_ok() {
            let _ = settled.await; // gone with the runtime
        }
    }
}

async fn work(servers: Arc<ServerSet>, mut jobs: mpsc::UnboundedReceiver<ReleaseJob>) {
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
                    let servers = Arc::clone(&servers);
                    running.spawn(async move { back.give_in_background(&servers, &pool).await });
                }
                Some(ReleaseJob::Settle(done)) => listeners.push(done),
                None => break,
            },
            Some(_) = running.join_next() => {}
        }
    }
    while running.join_next().await.is_some() {}
}
