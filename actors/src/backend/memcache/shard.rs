//! One memcached: the threads that talk to it, and what is known of it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix::prelude::*;
use distributex_config::{MemcacheServer, MemcacheSettings};
use log::{error, info, warn};
use tokio::time::Instant;

use super::{
    circuit_breaker::{BreakerChange, CircuitBreaker},
    connection_pool::{ConnectionPool, MemcacheError},
    job::{Job, JobDone},
    job_run,
    memory::MemoryState,
    stats,
};
use crate::{pool::actor::EX_SOFTWARE, telemetry::backend_calls::BackendCalls};

/// Takes an answer, in the thread that found it.
type Reply = Box<dyn FnOnce(JobDone) + Send>;

/// The threads of one memcached. A clone is the same ones.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    clerks: Addr<ShardWorker>,
    office: Arc<ShardShared>,
    /// How many there are.
    threads: usize,
}

/// Jobs that no thread has taken yet.
#[derive(Debug, Default)]
struct JobQueue {
    jobs: VecDeque<QueuedJob>,
    /// How many threads are at work, or on their way.
    awake: usize,
}

/// Jobs share an exchange if they have so many slots at most: those of large pools hold up no others.
const SHARED: usize = 16;

impl Shard {
    /// Starts the threads, one for each connection, in the running system of actors. The memcached need not be
    /// there.
    pub(super) fn start(server: MemcacheServer, settings: &MemcacheSettings, calls: BackendCalls) -> Self {
        let links = ConnectionPool::new(server, settings.connections, settings.timeout, calls);
        let office = Arc::new(ShardShared {
            links,
            gate: CircuitBreaker::default(),
            memory: MemoryState::default(),
            known: Mutex::default(),
            queue: Mutex::default(),
        });
        let threads = usize::try_from(settings.connections).unwrap_or(usize::MAX);
        let clerk = ShardWorker { office: Arc::clone(&office) };
        let clerks = SyncArbiter::start(threads, move || clerk.clone());
        clerks.do_send(Inspect);
        Self { clerks, office, threads }
    }

    /// Does a job as soon as a thread is free, and tells the outcome there.
    pub(super) fn run(&self, job: Job, reply: impl FnOnce(JobDone) + Send + 'static) {
        let mut queue = self.office.queue();
        queue.jobs.push_back(QueuedJob { job, reply: Box::new(reply) });
        if queue.awake < self.threads {
            queue.awake += 1;
            self.clerks.do_send(Work);
        }
    }

    /// Whether the memcached can be reached, as far as is known.
    pub(super) fn is_reachable(&self) -> bool {
        self.office.gate.is_open()
    }

    /// Looks for it, if it was never there: pools look for one that went away.
    pub(super) fn look(&self) {
        self.clerks.do_send(Inspect);
    }

    /// The random name of what the memcached keeps, as it was seen last.
    pub(super) fn store(&self) -> Option<Arc<str>> {
        self.office.known().store.clone()
    }
}

/// What the threads of a memcached share.
#[derive(Debug)]
struct ShardShared {
    links: ConnectionPool,
    gate: CircuitBreaker,
    memory: MemoryState,
    known: Mutex<StoreInfo>,
    /// What is to be done. Jobs that come while all threads are busy share exchanges.
    queue: Mutex<JobQueue>,
}

/// What is known of the memcached.
#[derive(Debug, Default)]
struct StoreInfo {
    /// The store that was seen last.
    store: Option<Arc<str>>,
    /// Whether the settings were looked at for it, or before there was one.
    inspected: bool,
}

impl ShardShared {
    /// Does jobs, unless the memcached could not be reached a moment ago, and answers each as soon as it is done.
    fn run(&self, batch: Vec<QueuedJob>) {
        let (mut jobs, mut replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|QueuedJob { job, reply }| (job, Some(reply))).unzip();
        let mut tell = |number: usize, job: &mut Job, trouble: Option<String>| {
            if let Some(reply) = replies[number].take() {
                reply(JobDone { job: job.take(), trouble });
            }
        };
        let refused = self.guarded(|| {
            let mut there = Ok(());
            job_run::run_all(&self.links, &mut jobs, |number, job, result| {
                let trouble = result.as_ref().err().map(|trouble| trouble.why().to_owned());
                if result.is_ok() {
                    self.remember_store(job);
                }
                match &result {
                    Err(MemcacheError::Away(_)) => there = result,
                    Ok(()) | Err(MemcacheError::Refused(_)) => self.record_outcome(&result), // before its pool comes again
                }
                tell(number, job, trouble);
            });
            there
        });
        for (number, job) in jobs.iter_mut().enumerate() {
            tell(number, job, refused.clone()); // who has not been told yet
        }
    }

    /// Does something with the memcached and remembers whether it was there.
    fn guarded(&self, work: impl FnOnce() -> Result<(), MemcacheError>) -> Option<String> {
        if let Err(why) = self.gate.try_acquire(Instant::now()) {
            return Some(why);
        }
        let result = work();
        self.record_outcome(&result);
        result.err().map(|trouble| trouble.why().to_owned())
    }

    /// Remembers whether the memcached was there, and says so if that is news.
    fn record_outcome(&self, result: &Result<(), MemcacheError>) {
        let change = self.gate.record(Instant::now(), result);
        let server = self.links.server();
        match change {
            BreakerChange::None => {}
            BreakerChange::Gone => {
                let error = result.as_ref().map_or_else(MemcacheError::why, |()| "");
                warn!(server:%, error; "memcached_down");
            }
            BreakerChange::Back => info!(server:%; "memcached_up"),
        }
    }

    /// Remembers the store of a job, and whether something was refused.
    fn remember_store(&self, job: &Job) {
        if let Some(why) = &job.refused {
            self.memory.refused(why);
        }
        let seen = job.view.store.as_ref().map(|store| &store.id);
        let mut known = self.known();
        if known.store.as_ref() != seen {
            known.inspected &= known.store.is_none(); // it was restarted: with other settings, perhaps
            known.store = seen.cloned();
        }
    }

    /// Looks at the settings, if that was not done yet, and says what an operator should know.
    fn check_settings(&self) {
        if self.known().inspected {
            return;
        }
        self.guarded(|| {
            let settings = self.links.stats("stats settings");
            self.known().inspected = !matches!(settings, Err(MemcacheError::Away(_)));
            for hint in stats::warnings(&settings?) {
                warn!(server:% = self.links.server(), hint; "memcached_settings");
            }
            Ok(())
        });
    }

    /// Looks from time to time how full it is, and says what an operator should know.
    fn watch(&self) {
        if !self.memory.is_due(Instant::now()) {
            return;
        }
        self.guarded(|| {
            let stats = self.links.stats("stats")?;
            if let Some(hint) = self.memory.see(&stats) {
                warn!(server:% = self.links.server(), hint; "memcached_memory");
            }
            Ok(())
        });
    }

    /// Jobs for one thread; `None`: it may rest.
    fn next(&self) -> Option<Vec<QueuedJob>> {
        let mut queue = self.queue();
        let mut slots = 0;
        let fits = |run: &&QueuedJob| {
            slots += run.job.slots;
            slots <= SHARED
        };
        let most = queue.jobs.iter().take_while(fits).count().max(1).min(queue.jobs.len());
        if most == 0 {
            queue.awake -= 1;
            return None;
        }
        Some(queue.jobs.drain(..most).collect())
    }

    fn queue(&self) -> MutexGuard<'_, JobQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, StoreInfo> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread. It may be held up by its memcached, so that no pool is.
#[derive(Debug, Clone)]
struct ShardWorker {
    office: Arc<ShardShared>,
}

impl Actor for ShardWorker {
    type Context = SyncContext<Self>;
}

impl Drop for ShardWorker {
    /// A pool that waits for ever for what a job has done is worse than none.
    fn drop(&mut self) {
        if std::thread::panicking() {
            error!(server:% = self.office.links.server(); "memcached_thread_panicked");
            log::logger().flush();
            std::process::exit(EX_SOFTWARE);
        }
    }
}

/// A job, and who is told what came of it.
struct QueuedJob {
    job: Job,
    reply: Reply,
}

/// Request: do the jobs that wait.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Work;

impl Handler<Work> for ShardWorker {
    type Result = ();

    fn handle(&mut self, _: Work, _: &mut Self::Context) {
        while let Some(batch) = self.office.next() {
            self.office.run(batch);
            self.office.check_settings();
            self.office.watch();
        }
    }
}

/// Request: look at the settings.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Inspect;

impl Handler<Inspect> for ShardWorker {
    type Result = ();

    fn handle(&mut self, _: Inspect, _: &mut Self::Context) {
        self.office.check_settings();
    }
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
        testing::{LossyProxy, Memcached, TIMEOUT, TestServer, once, server},
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

        assert_eq!(done.trouble, None);
        assert_eq!(done.job.claims[0].found, Some(ClaimResult::Granted));
        assert_eq!(shard.store(), Some(Arc::clone(&done.job.view.store.unwrap().id)));
    }

    #[actix::test]
    async fn nobody_there_is_said_at_once() {
        let nobody = server(1);
        let shard = shard(nobody.clone());

        let done = run(&shard, TestServer::at(nobody, 1, 1).job(vec![], vec![], vec![once("ann")])).await;

        assert_eq!(done.trouble.as_deref(), Some("memcached 127.0.0.1:1: connection refused"));
        assert_eq!(done.job.claims[0].found, None);
    }

    #[actix::test]
    async fn what_comes_back_is_found_again() {
        let memcached = Memcached::start(&[]);
        let proxy = LossyProxy::start(1);
        let shard = shard(proxy.server());
        let bench = TestServer::at(proxy.server(), 1, 1);
        let mut job = bench.job(vec![], vec![], vec![once("ann")]);
        let first = run(&shard, job).await;
        assert!(first.trouble.unwrap().contains("it ended the connection"));

        proxy.lead_to(memcached.port);
        job = first.job;
        let deadline = Instant::now() + TIMEOUT;
        let job = loop {
            let done = run(&shard, job).await;
            if done.trouble.is_none() {
                break done.job;
            }
            assert!(Instant::now() < deadline, "{:?}", done.trouble);
            tokio::time::sleep(Duration::from_millis(20)).await;
            job = done.job;
        };

        assert_eq!(job.claims[0].found, Some(ClaimResult::Granted));
    }

    #[actix::test]
    async fn who_is_told_that_it_is_back_may_go_on_at_once() {
        let memcached = Memcached::start(&[]);
        let proxy = LossyProxy::start(1);
        let shard = shard(proxy.server());
        let bench = TestServer::at(proxy.server(), 1, 1);
        let job = || bench.job(vec![], vec![], vec![]);
        assert!(run(&shard, job()).await.trouble.is_some());
        proxy.lead_to(memcached.port);

        let deadline = Instant::now() + TIMEOUT;
        loop {
            let ((sender, receiver), (again, next)) = (oneshot::channel(), (shard.clone(), job()));
            shard.run(job(), move |done| {
                let (told, answer) = mpsc::channel();
                again.run(next, move |next| told.send(next.trouble).unwrap());
                let next = answer.recv_timeout(TIMEOUT).unwrap(); // this thread goes on after that
                sender.send((done.trouble, next)).unwrap();
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
