//! What the threads of a memcached share.

use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use log::{info, warn};
use tokio::time::Instant;

use super::{
    circuit_breaker::{BreakerChange, CircuitBreaker},
    connection_pool::{ConnectionPool, MemcacheError},
    memory::MemoryState,
    queue::{JobQueue, MAX_SHARED_SLOTS, QueuedJob, ShardTask},
    stats,
};
use crate::backend::memcache::job::{Job, JobDone, run};

/// What the threads of a memcached share.
#[derive(Debug)]
pub(super) struct ShardShared {
    pub(super) connections: ConnectionPool,
    pub(super) breaker: CircuitBreaker,
    pub(super) memory: MemoryState,
    pub(super) known: Mutex<StoreInfo>,
    /// Jobs to be done. Jobs that arrive while all threads are busy share exchanges.
    pub(super) queue: Mutex<JobQueue>,
    /// Notified when there is work in the queue.
    pub(super) wake: Condvar,
}

/// What is known of the memcached.
#[derive(Debug, Default)]
pub(super) struct StoreInfo {
    /// Random id of the store that was last seen.
    pub(super) store: Option<Arc<str>>,
    /// Whether the settings were checked for this store, or before there was one.
    inspected: bool,
}

impl ShardShared {
    /// Carries out jobs, unless memcached was unreachable a moment ago, and replies to each as soon as it is done.
    pub(super) fn run(&self, batch: Vec<QueuedJob>) {
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
    pub(super) fn check_settings(&self) {
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
    pub(super) fn check_memory(&self) {
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
    pub(super) fn next(&self) -> Option<ShardTask> {
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

    pub(super) fn queue(&self) -> MutexGuard<'_, JobQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known(&self) -> MutexGuard<'_, StoreInfo> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
