//! State that the pools and the journal's thread share.

use std::{
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use log::{info, warn};

use super::BatchNumber;
use crate::{
    backend::Waker,
    state::{boot::BootNumber, file::Changes},
    telemetry::backend_calls::BackendCalls,
};

/// Consequence of a disk that cannot be written, for the log.
const NO_GRANTS: &str = "no slot is granted or renewed until it can be written";

/// Limit of one write; a disk that takes longer counts as down.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause before a failed write is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Delay of a batch when many are submitting, to make it larger.
const BATCH_WINDOW: Duration = Duration::from_micros(50);

/// State shared by handles and thread.
#[derive(Debug)]
pub(super) struct JournalShared {
    /// The directory, for the log.
    pub(super) directory: String,
    /// Id of the store.
    pub(super) store: Arc<str>,
    /// Number of this boot.
    pub(super) boot: BootNumber,
    pub(super) next: Mutex<NextBatch>,
    /// Notified when there are changes, or the last handle is dropped.
    pub(super) work: Condvar,
    /// Number of the last batch on disk.
    pub(super) written: AtomicU64,
    /// Whether the disk is down.
    pub(super) is_down: AtomicBool,
    /// Counters of writes.
    pub(super) calls: BackendCalls,
}

/// The next batch.
#[derive(Debug)]
pub(super) struct NextBatch {
    /// Its number.
    pub(super) batch: BatchNumber,
    pub(super) changes: Changes,
    /// Number of submits.
    pub(super) submissions: usize,
    /// Number of submits of the previous batch.
    pub(super) previous_submissions: usize,
    /// Pools to wake when it is written.
    pub(super) wake: Vec<Waker>,
    /// All pools, to wake when the disk goes down or comes back.
    pub(super) pools: Vec<Waker>,
    /// State of the disk.
    pub(super) disk: DiskState,
    /// Whether the last handle was dropped.
    pub(super) is_closing: bool,
}

/// State of the disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DiskState {
    /// Writes succeed.
    Fine,
    /// A write takes too long.
    Slow,
    /// A write failed, with this error.
    Failing(String),
}

impl JournalShared {
    pub(super) fn lock_next(&self) -> MutexGuard<'_, NextBatch> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a changed state of the disk, once, and wakes all pools.
    pub(super) fn set_disk_state(&self, next: &mut NextBatch, disk: DiskState) {
        if next.disk == disk {
            return;
        }
        let directory = &self.directory;
        match &disk {
            DiskState::Fine => info!(path = directory; "state_directory_up"),
            DiskState::Slow => {
                let timeout = WRITE_TIMEOUT.as_secs();
                warn!(path = directory, timeout, hint = NO_GRANTS; "state_directory_slow");
            }
            DiskState::Failing(error) => {
                warn!(path = directory, error, hint = NO_GRANTS; "state_directory_down");
            }
        }
        let is_down = disk != DiskState::Fine;
        next.disk = disk;
        self.is_down.store(is_down, Ordering::Release);
        for pool in &next.pools {
            pool.wake();
        }
    }

    /// Waits for the next batch; `None`: the last handle was dropped. If many are submitting, it waits a
    /// moment longer: a pool that was just woken is about to submit more, which then needs no flush of its
    /// own.
    pub(super) fn take_batch(&self) -> Option<(BatchNumber, Changes, Vec<Waker>)> {
        let has_nothing = |next: &mut NextBatch| next.changes.is_empty() && !next.is_closing;
        let next = self.work.wait_while(self.lock_next(), has_nothing);
        let mut next = next.unwrap_or_else(PoisonError::into_inner);
        if next.submissions.max(next.previous_submissions) > 1 {
            let gathered = self.work.wait_timeout_while(next, BATCH_WINDOW, |next| !next.is_closing);
            (next, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        }
        if next.changes.is_empty() {
            return None;
        }
        let batch = next.batch;
        next.batch = BatchNumber(batch.0 + 1);
        next.previous_submissions = mem::take(&mut next.submissions);
        Some((batch, mem::take(&mut next.changes), mem::take(&mut next.wake)))
    }

    pub(super) fn on_written(&self, batch: BatchNumber, wake: Vec<Waker>) {
        let mut next = self.lock_next();
        self.written.store(batch.0, Ordering::Release);
        self.set_disk_state(&mut next, DiskState::Fine);
        drop(next);
        for pool in wake {
            pool.wake();
        }
    }

    /// Merges a failed batch into the next one, and pauses. False if the last handle was dropped.
    pub(super) fn on_failed(&self, why: &redb::Error, changes: Changes, wake: Vec<Waker>) -> bool {
        let mut next = self.lock_next();
        for (key, record) in changes {
            next.changes.entry(key).or_insert(record);
        }
        next.wake.extend(wake);
        self.set_disk_state(&mut next, DiskState::Failing(why.to_string()));
        let paused = self.work.wait_timeout_while(next, RETRY_INTERVAL, |next| !next.is_closing);
        let (next, _) = paused.unwrap_or_else(PoisonError::into_inner);
        !next.is_closing
    }
}
