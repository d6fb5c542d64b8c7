//! One memcached: its worker threads, and what they share.

pub(crate) mod address;
pub(crate) mod circuit_breaker;
pub(crate) mod clock;
pub(crate) mod connection_pool;
pub(crate) mod memory;
mod pool_clock;
pub(crate) mod protocol;
mod queue;
mod shared;
pub(crate) mod stats;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Condvar, Mutex},
    thread,
};

use distributex_config::{MemcacheServer, MemcacheSettings};
use log::error;

use self::{
    circuit_breaker::CircuitBreaker,
    connection_pool::ConnectionPool,
    memory::MemoryState,
    queue::{JobQueue, QueuedJob, ShardTask},
    shared::ShardShared,
};
use crate::{
    backend::memcache::job::{Job, JobDone},
    exit_on_panic::exit_on_panic,
    telemetry::backend_calls::BackendCalls,
};

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
