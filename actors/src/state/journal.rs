//! The journal: writes the changes of all pools to disk.
//!
//! One thread writes everything submitted during the previous write, with one flush: a single change waits
//! for one flush, thousands at once wait for two. Only the latest state of a key is written, so the size of a
//! batch does not grow with the number of changes, and writing it again after a failure is harmless.
//!
//! ```text
//!  submit ─► batch n+1 ──┐        ┌── written: n, its pools are woken
//!                        ▼        │
//!            batch n ─► the disk ─┼── failed: back into batch n+1, retried after a second ─┐ nothing is
//!                                 └── takes too long ──────────────────────────────────────┴ granted meanwhile
//! ```

use std::{
    io, mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use distributex_config::Name;
use log::{error, info, warn};
use tokio::time::Instant;

use super::{
    boot::BootNumber,
    file::{Changes, RowKey, RowKind, StateFile},
    records::StateRecord,
    shown,
};
use crate::{
    backend::Waker, exit_on_panic::exit_on_panic, pool::persistence::PoolChange,
    telemetry::backend_calls::BackendCalls,
};

/// Consequence of a disk that cannot be written, for the log.
const NO_GRANTS: &str = "no slot is granted or renewed until it can be written";

/// Pause before a failed write is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Delay of a batch when many are submitting, to make it larger.
const BATCH_WINDOW: Duration = Duration::from_micros(50);

/// Number of a batch; batches are written in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchNumber(u64);

/// Handle of the journal. When the last clone is dropped, the thread ends after a last write.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<JournalOwner>);

/// Ends the thread when dropped.
#[derive(Debug)]
struct JournalOwner(Arc<JournalShared>);

/// State shared by handles and thread.
#[derive(Debug)]
struct JournalShared {
    /// The directory, for the log.
    directory: String,
    /// Id of the store.
    store: Arc<str>,
    /// Number of this boot.
    boot: BootNumber,
    next: Mutex<NextBatch>,
    /// Notified when there are changes, or the last handle is dropped.
    work: Condvar,
    /// Number of the last batch on disk.
    written: AtomicU64,
    /// Whether the disk is down.
    away: AtomicBool,
    /// Counters of writes.
    calls: BackendCalls,
}

/// The next batch.
#[derive(Debug)]
struct NextBatch {
    /// Its number.
    batch: BatchNumber,
    changes: Changes,
    /// Number of submits.
    submissions: usize,
    /// Number of submits of the previous batch.
    previous_submissions: usize,
    /// Pools to wake when it is written.
    wake: Vec<Waker>,
    /// All pools, to wake when the disk goes down or comes back.
    pools: Vec<Waker>,
    /// State of the disk.
    disk: DiskState,
    /// Whether the last handle was dropped.
    is_closing: bool,
}

/// State of the disk.
#[derive(Debug, PartialEq, Eq)]
enum DiskState {
    /// Writes succeed.
    Fine,
    /// A write takes too long.
    Slow,
    /// A write failed, with this error.
    Failing(String),
}

impl Journal {
    /// Starts the thread.
    pub(super) fn start(file: StateFile) -> io::Result<Self> {
        let next = NextBatch {
            batch: BatchNumber(1),
            changes: Changes::new(),
            submissions: 0,
            previous_submissions: 0,
            wake: Vec::new(),
            pools: Vec::new(),
            disk: DiskState::Fine,
            is_closing: false,
        };
        let shared = Arc::new(JournalShared {
            directory: shown(file.directory()),
            store: file.store(),
            boot: file.boot(),
            next: Mutex::new(next),
            work: Condvar::new(),
            written: AtomicU64::new(0),
            away: AtomicBool::new(false),
            calls: BackendCalls::new("state"),
        });
        let writer = JournalWriter { shared: Arc::clone(&shared), file };
        thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
        Ok(Self(Arc::new(JournalOwner(shared))))
    }

    /// The id of the store.
    pub(super) fn store(&self) -> Arc<str> {
        Arc::clone(&self.shared().store)
    }

    /// The counters of writes.
    pub(crate) fn calls(&self) -> &BackendCalls {
        &self.shared().calls
    }

    /// Registers a pool, to be woken when the disk goes down or comes back.
    pub(crate) fn add(&self, pool: Waker) {
        self.shared().lock_next().pools.push(pool);
    }

    /// Submits the current changes of a pool and returns their batch; the pool is woken when it is written.
    /// `latest` is the batch of its previous changes.
    pub(crate) fn submit(
        &self,
        pool: &Name,
        changes: Vec<PoolChange>,
        now: Instant,
        latest: BatchNumber,
        waker: &Waker,
    ) -> BatchNumber {
        let now = self.shared().boot.now(now);
        let key = |kind, number| RowKey { pool: pool.clone(), kind, number };
        let records = changes.into_iter().map(|change| match change {
            PoolChange::Numbers(numbers) => (key(RowKind::Numbers, 0), Some(StateRecord::Numbers(numbers))),
            PoolChange::Paused(paused) => (key(RowKind::Paused, 0), paused.map(StateRecord::Paused)),
            PoolChange::Lease(token, lease) => {
                (key(RowKind::Lease, token.0), lease.map(|lease| StateRecord::Lease(Box::new(lease), now)))
            }
            PoolChange::Place(ticket, waiter) => (
                key(RowKind::QueueEntry, ticket.0),
                waiter.map(|waiter| StateRecord::Place(Box::new(waiter), now)),
            ),
        });
        let mut next = self.shared().lock_next();
        if next.changes.is_empty() {
            self.shared().work.notify_one();
        }
        next.changes.extend(records);
        next.submissions += 1;
        if latest != next.batch {
            next.wake.push(waker.clone());
        }
        next.batch
    }

    /// Whether a batch is on disk.
    pub(crate) fn is_written(&self, batch: BatchNumber) -> bool {
        self.shared().written.load(Ordering::Acquire) >= batch.0
    }

    /// Whether the disk is down.
    pub(crate) fn is_away(&self) -> bool {
        self.shared().away.load(Ordering::Acquire)
    }

    /// Reports that a batch took too long. The disk counts as down until it is written.
    pub(crate) fn is_too_slow(&self, batch: BatchNumber) {
        let shared = self.shared();
        let mut next = shared.lock_next();
        if next.disk == DiskState::Fine && !self.is_written(batch) {
            shared.set_disk_state(&mut next, DiskState::Slow);
        }
    }

    fn shared(&self) -> &JournalShared {
        &self.0.0
    }
}

impl Drop for JournalOwner {
    fn drop(&mut self) {
        self.0.lock_next().is_closing = true;
        self.0.work.notify_all();
    }
}

impl JournalShared {
    fn lock_next(&self) -> MutexGuard<'_, NextBatch> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a changed state of the disk, once, and wakes all pools.
    fn set_disk_state(&self, next: &mut NextBatch, disk: DiskState) {
        if next.disk == disk {
            return;
        }
        let directory = &self.directory;
        match &disk {
            DiskState::Fine => info!(path = directory; "state_directory_up"),
            DiskState::Slow => {
                let timeout = crate::backend::inmemory::WRITE_TIMEOUT.as_secs();
                warn!(path = directory, timeout, hint = NO_GRANTS; "state_directory_slow");
            }
            DiskState::Failing(error) => {
                warn!(path = directory, error, hint = NO_GRANTS; "state_directory_down");
            }
        }
        let is_away = disk != DiskState::Fine;
        next.disk = disk;
        self.away.store(is_away, Ordering::Release);
        for pool in &next.pools {
            pool.wake();
        }
    }

    /// Waits for the next batch; `None`: the last handle was dropped. If many are submitting, it waits a
    /// moment longer: a pool that was just woken is about to submit more, which then needs no flush of its
    /// own.
    fn take_batch(&self) -> Option<(BatchNumber, Changes, Vec<Waker>)> {
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

    fn on_written(&self, batch: BatchNumber, wake: Vec<Waker>) {
        let mut next = self.lock_next();
        self.written.store(batch.0, Ordering::Release);
        self.set_disk_state(&mut next, DiskState::Fine);
        drop(next);
        for pool in wake {
            pool.wake();
        }
    }

    /// Merges a failed batch into the next one, and pauses. False if the last handle was dropped.
    fn on_failed(&self, why: &redb::Error, changes: Changes, wake: Vec<Waker>) -> bool {
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

/// The thread.
#[derive(Debug)]
struct JournalWriter {
    shared: Arc<JournalShared>,
    file: StateFile,
}

impl JournalWriter {
    fn run(mut self) {
        while let Some((batch, changes, wake)) = self.shared.take_batch() {
            let written = self.file.write(&changes);
            self.shared.calls.count(written.is_ok());
            match written {
                Ok(()) => self.shared.on_written(batch, wake),
                Err(why) if self.shared.on_failed(&why, changes, wake) => {}
                Err(_) => return,
            }
        }
    }
}

impl Drop for JournalWriter {
    /// Pools that wait forever for their changes are worse than none.
    fn drop(&mut self) {
        exit_on_panic(|| error!(path = self.shared.directory; "state_directory_thread_panicked"));
    }
}
