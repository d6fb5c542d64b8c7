//! One memcached: its worker threads, and what they share.

pub(crate) mod address;
pub(crate) mod circuit_breaker;
pub(crate) mod clock;
pub(crate) mod connection_pool;
pub(crate) mod memory;
pub(crate) mod protocol;
pub(crate) mod stats;

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use distributex_config::{MemcacheServer, MemcacheSettings};
use log::{error, info, warn};
use tokio::time::Instant;

use self::{
    circuit_breaker::{BreakerChange, CircuitBreaker},
    connection_pool::{ConnectionPool, MemcacheError},
    memory::MemoryState,
};
use crate::backend::memcache::{
    job::run,
    job::{Job, JobDone},
};
use crate::{exit_on_panic::exit_on_panic, telemetry::backend_calls::BackendCalls};

/// Takes the outcome of a job, in the worker thread.
type Reply = Box<dyn FnOnce(JobDone) + Send>;

/// The worker threads of one memcached. A clone shares them; with the last one they end, when all jobs are done.
#[derive(Debug, Clone)]
pub(crate) struct Shard(Arc<ShardOwner>);

/// Ends the threads when it is dropped.
#[derive(Debug)]
struct ShardOwner(Arc<ShardShared>);

impl Drop for ShardOwner {
    fn drop(&mut self) {
        self.0.queue().is_closing = true;
        self.0.wake.notify_all();
    }
}

/// Work that no thread has taken yet.
#[derive(Debug, Default)]
struct JobQueue {
    jobs: VecDeque<QueuedJob>,
    /// Whether the settings are to be checked.
    inspect: bool,
    /// Whether the threads are to end.
    is_closing: bool,
}

impl JobQueue {
    /// Whether there is nothing to do.
    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && !self.inspect && !self.is_closing
    }
}

/// One piece of work for a thread.
#[derive(Debug)]
enum ShardTask {
    /// Jobs that share an exchange.
    Jobs(Vec<QueuedJob>),
    /// A check of the settings.
    Inspect,
}

/// Limit of the slots of jobs that share an exchange: jobs of large pools do not delay others.
const MAX_SHARED_SLOTS: usize = 16;

impl Shard {
    /// Starts the threads, one for each connection. The memcached need not be reachable.
    ///
    /// # Panics
    /// When the system cannot start a thread.
    pub(crate) fn start(server: MemcacheServer, settings: &MemcacheSettings, calls: BackendCalls) -> Self {
        let connections = ConnectionPool::new(server, settings.connections, settings.timeout, calls);
        let shared = Arc::new(ShardShared {
            connections,
            breaker: CircuitBreaker::default(),
            memory: MemoryState::default(),
            known: Mutex::default(),
            queue: Mutex::new(JobQueue { inspect: true, ..JobQueue::default() }),
            wake: Condvar::new(),
        });
        for _ in 0..settings.connections {
            let worker = ShardWorker { shared: Arc::clone(&shared) };
            let thread = thread::Builder::new().name("memcached".to_owned()).spawn(move || worker.run());
            thread.expect("the system has a thread for each connection");
        }
        Self(Arc::new(ShardOwner(shared)))
    }

    /// Carries out a job as soon as a thread is free, and passes the outcome to `reply` there.
    pub(crate) fn run(&self, job: Job, reply: impl FnOnce(JobDone) + Send + 'static) {
        self.shared().queue().jobs.push_back(QueuedJob { job, reply: Box::new(reply) });
        self.shared().wake.notify_one();
    }

    /// Whether memcached is not known to be unreachable.
    pub(crate) fn is_reachable(&self) -> bool {
        self.shared().breaker.is_closed()
    }

    /// Connects to a memcached that was never reachable: pools poll one that became unreachable.
    pub(crate) fn inspect(&self) {
        self.shared().queue().inspect = true;
        self.shared().wake.notify_one();
    }

    /// Random id of the store that was last seen.
    pub(crate) fn store(&self) -> Option<Arc<str>> {
        self.shared().known().store.clone()
    }

    fn shared(&self) -> &ShardShared {
        &self.0.0
    }
}

/// What the threads of a memcached share.
#[derive(Debug)]
struct ShardShared {
    connections: ConnectionPool,
    breaker: CircuitBreaker,
    memory: MemoryState,
    known: Mutex<StoreInfo>,
    /// Jobs to be done. Jobs that arrive while all threads are busy share exchanges.
    queue: Mutex<JobQueue>,
    /// Notified when there is work in the queue.
    wake: Condvar,
}

/// What is known of the memcached.
#[derive(Debug, Default)]
struct StoreInfo {
    /// Random id of the store that was last seen.
    store: Option<Arc<str>>,
    /// Whether the settings were checked for this store, or before there was one.
    inspected: bool,
}

impl ShardShared {
    /// Carries out jobs, unless memcached was unreachable a moment ago, and replies to each as soon as it is done.
    fn run(&self, batch: Vec<QueuedJob>) {
        let (mut jobs, mut replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|QueuedJob { job, reply }| (job, Some(reply))).unzip();
        let mut report = |index: usize, job: &mut Job, error: Option<String>| {
            if let Some(reply) = replies[index].take() {
                reply(JobDone { job: job.take(), error });
            }
        };
        let refused = self.guarded(|| {
            let mut there = Ok(());
            run::run_all(&self.connections, &mut jobs, |index, job, result| {
                let error = result.as_ref().err().map(|error| error.why().to_owned());
                if result.is_ok() {
                    self.remember_store(job);
                }
                match &result {
                    Err(MemcacheError::Unreachable(_)) => there = result,
                    Ok(()) | Err(MemcacheError::Refused(_)) => self.record_outcome(&result), // before its pool submits the next job
                }
                report(index, job, error);
            });
            there
        });
        for (index, job) in jobs.iter_mut().enumerate() {
            report(index, job, refused.clone()); // jobs without a reply so far
        }
    }

    /// Calls memcached unless it was unreachable a moment ago, and records whether it was reached. Returns the error.
    fn guarded(&self, work: impl FnOnce() -> Result<(), MemcacheError>) -> Option<String> {
        if let Err(why) = self.breaker.try_acquire(Instant::now()) {
            return Some(why);
        }
        let result = work();
        self.record_outcome(&result);
        result.err().map(|error| error.why().to_owned())
    }

    /// Records whether memcached was reached, and logs changes.
    fn record_outcome(&self, result: &Result<(), MemcacheError>) {
        let change = self.breaker.record(Instant::now(), result);
        let server = self.connections.server();
        match change {
            BreakerChange::None => {}
            BreakerChange::Gone => {
                let error = result.as_ref().map_or_else(MemcacheError::why, |()| "");
                warn!(server:%, error; "memcached_down");
            }
            BreakerChange::Back => info!(server:%; "memcached_up"),
        }
    }

    /// Remembers the store of a job, and whether memcached refused something.
    fn remember_store(&self, job: &Job) {
        if let Some(why) = &job.refused {
            self.memory.refused(why);
        }
        let seen = job.view.store.as_ref().map(|store| &store.id);
        let mut known = self.known();
        if known.store.as_ref() != seen {
            known.inspected &= known.store.is_none(); // it was restarted, possibly with other settings
            known.store = seen.cloned();
        }
    }

    /// Checks the settings once per store, and logs warnings.
    fn check_settings(&self) {
        if self.known().inspected {
            return;
        }
        self.guarded(|| {
            let settings = self.connections.stats("stats settings");
            self.known().inspected = !matches!(settings, Err(MemcacheError::Unreachable(_)));
            for hint in stats::warnings(&settings?) {
                warn!(server:% = self.connections.server(), hint; "memcached_settings");
            }
            Ok(())
        });
    }

    /// Checks the memory when due, and logs warnings.
    fn check_memory(&self) {
        if !self.memory.is_due(Instant::now()) {
            return;
        }
        self.guarded(|| {
            let stats = self.connections.stats("stats")?;
            if let Some(hint) = self.memory.evaluate(&stats) {
                warn!(server:% = self.connections.server(), hint; "memcached_memory");
            }
            Ok(())
        });
    }

    /// Waits for work for one thread; `None`: the thread is to end.
    fn next(&self) -> Option<ShardTask> {
        let queue = self.wake.wait_while(self.queue(), |queue| queue.is_idle());
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        if queue.jobs.is_empty() {
            return mem::take(&mut queue.inspect).then_some(ShardTask::Inspect);
        }
        let mut slots = 0;
        let fits = |run: &&QueuedJob| {
            slots += run.job.slots;
            slots <= MAX_SHARED_SLOTS
        };
        let count = queue.jobs.iter().take_while(fits).count().max(1).min(queue.jobs.len());
        Some(ShardTask::Jobs(queue.jobs.drain(..count).collect()))
    }

    fn queue(&self) -> MutexGuard<'_, JobQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, StoreInfo> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker thread. It may block on its memcached, so that no pool does.
#[derive(Debug)]
struct ShardWorker {
    shared: Arc<ShardShared>,
}

impl ShardWorker {
    fn run(self) {
        while let Some(task) = self.shared.next() {
            match task {
                ShardTask::Jobs(batch) => {
                    self.shared.run(batch);
                    self.shared.check_settings();
                    self.shared.check_memory();
                }
                ShardTask::Inspect => self.shared.check_settings(),
            }
        }
    }
}

impl Drop for ShardWorker {
    /// A pool that waits forever for the outcome of a job is worse than no server.
    fn drop(&mut self) {
        exit_on_panic(|| error!(server:% = self.shared.connections.server(); "memcached_thread_panicked"));
    }
}

/// A job and its reply.
struct QueuedJob {
    job: Job,
    reply: Reply,
}

impl fmt::Debug for QueuedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("job", &self.job).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use tokio::sync::oneshot;

    use super::*;
    use crate::backend::memcache::{
        job::ClaimResult,
        tests::testing::{LossyProxy, Memcached, TIMEOUT, TestServer, once, server},
    };

    async fn run(shard: &Shard, job: Job) -> JobDone {
        let (sender, receiver) = oneshot::channel();
        shard.run(job, move |done| sender.send(done).unwrap());
        tokio::time::timeout(TIMEOUT, receiver).await.unwrap().unwrap()
    }

    fn shard(server: MemcacheServer) -> Shard {
        Shard::start(
            server,
            &MemcacheSettings { timeout: Duration::from_secs(5), ..MemcacheSettings::default() },
            BackendCalls::new("test"),
        )
    }

    #[actix::test]
    async fn jobs_are_done_and_the_store_is_known() {
        let memcached = Memcached::start(&[]);
        let shard = shard(memcached.server());
        assert_eq!(shard.store(), None);

        let done =
            run(&shard, TestServer::new(&memcached, 1, 1).job(vec![], vec![], vec![once("ann")])).await;

        assert_eq!(done.error, None);
        assert_eq!(done.job.claims[0].found, Some(ClaimResult::Granted));
        assert_eq!(shard.store(), Some(Arc::clone(&done.job.view.store.unwrap().id)));
    }

    #[actix::test]
    async fn an_unreachable_memcached_is_reported_at_once() {
        let nobody = server(1);
        let shard = shard(nobody.clone());

        let done = run(&shard, TestServer::at(nobody, 1, 1).job(vec![], vec![], vec![once("ann")])).await;

        assert_eq!(done.error.as_deref(), Some("memcached 127.0.0.1:1: connection refused"));
        assert_eq!(done.job.claims[0].found, None);
    }

    #[actix::test]
    async fn a_memcached_that_returns_is_found_again() {
        let memcached = Memcached::start(&[]);
        let proxy = LossyProxy::start(1);
        let shard = shard(proxy.server());
        let server = TestServer::at(proxy.server(), 1, 1);
        let mut job = server.job(vec![], vec![], vec![once("ann")]);
        let first = run(&shard, job).await;
        assert!(first.error.unwrap().contains("connection closed"));

        proxy.lead_to(memcached.port);
        job = first.job;
        let deadline = Instant::now() + TIMEOUT;
        let job = loop {
            let done = run(&shard, job).await;
            if done.error.is_none() {
                break done.job;
            }
            assert!(Instant::now() < deadline, "{:?}", done.error);
            tokio::time::sleep(Duration::from_millis(20)).await;
            job = done.job;
        };

        assert_eq!(job.claims[0].found, Some(ClaimResult::Granted));
    }

    #[actix::test]
    async fn a_pool_whose_job_succeeded_may_submit_at_once() {
        let memcached = Memcached::start(&[]);
        let proxy = LossyProxy::start(1);
        let shard = shard(proxy.server());
        let server = TestServer::at(proxy.server(), 1, 1);
        let job = || server.job(vec![], vec![], vec![]);
        assert!(run(&shard, job()).await.error.is_some());
        proxy.lead_to(memcached.port);

        let deadline = Instant::now() + TIMEOUT;
        loop {
            let ((sender, receiver), (again, next)) = (oneshot::channel(), (shard.clone(), job()));
            shard.run(job(), move |done| {
                let (told, answer) = mpsc::channel();
                again.run(next, move |next| told.send(next.error).unwrap());
                let next = answer.recv_timeout(TIMEOUT).unwrap(); // this thread continues after that
                sender.send((done.error, next)).unwrap();
            });
            let (first, next) = tokio::time::timeout(TIMEOUT, receiver).await.unwrap().unwrap();
            if first.is_none() {
                assert_eq!(next, None);
                break;
            }
            assert!(Instant::now() < deadline, "{first:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
