//! Work for the threads of a memcached.

use std::{collections::VecDeque, fmt};

use crate::backend::memcache::job::{Job, JobDone};

/// Work that no thread has taken yet.
#[derive(Debug, Default)]
pub(super) struct JobQueue {
    pub(super) jobs: VecDeque<QueuedJob>,
    /// Whether the settings are to be checked.
    pub(super) inspect: bool,
    /// Whether the threads are to end.
    pub(super) is_closing: bool,
}

impl JobQueue {
    /// Whether there is nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.jobs.is_empty() && !self.inspect && !self.is_closing
    }
}

/// One piece of work for a thread.
#[derive(Debug)]
pub(super) enum ShardTask {
    /// Jobs that share an exchange.
    Jobs(Vec<QueuedJob>),
    /// A check of the settings.
    Inspect,
}

/// Limit of the slots of jobs that share an exchange: jobs of large pools do not delay others.
pub(super) const MAX_SHARED_SLOTS: usize = 16;

/// Takes the outcome of a job, in the worker thread.
pub(super) type Reply = Box<dyn FnOnce(JobDone) + Send>;

/// A job and its reply.
pub(super) struct QueuedJob {
    pub(super) job: Job,
    pub(super) reply: Reply,
}

impl fmt::Debug for QueuedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("job", &self.job).finish_non_exhaustive()
    }
}
