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
    tray: Mutex<NextBatch>,
    /// Notified when there are changes, or the last handle is dropped.
    some: Condvar,
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
    brought: usize,
    /// Number of submits of the previous batch.
    brought_before: usize,
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
        let tray = NextBatch {
            batch: BatchNumber(1),
            changes: Changes::new(),
            brought: 0,
            brought_before: 0,
            wake: Vec::new(),
            pools: Vec::new(),
            disk: DiskState::Fine,
            is_closing: false,
        };
        let desk = Arc::new(JournalShared {
            directory: shown(file.directory()),
            store: file.store(),
            boot: file.boot(),
            tray: Mutex::new(tray),
            some: Condvar::new(),
            written: AtomicU64::new(0),
            away: AtomicBool::new(false),
            calls: BackendCalls::new("state"),
        });
        let writer = JournalWriter { desk: Arc::clone(&desk), file };
        thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
        Ok(Self(Arc::new(JournalOwner(desk))))
    }

    /// The id of the store.
    pub(super) fn store(&self) -> Arc<str> {
        Arc::clone(&self.desk().store)
    }

    /// The counters of writes.
    pub(crate) fn calls(&self) -> &BackendCalls {
        &self.desk().calls
    }

    /// Registers a pool, to be woken when the disk goes down or comes back.
    pub(crate) fn add(&self, pool: Waker) {
        self.desk().tray().pools.push(pool);
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
        let now = self.desk().boot.now(now);
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
        let mut tray = self.desk().tray();
        if tray.changes.is_empty() {
            self.desk().some.notify_one();
        }
        tray.changes.extend(records);
        tray.brought += 1;
        if latest != tray.batch {
            tray.wake.push(waker.clone());
        }
        tray.batch
    }

    /// Whether a batch is on disk.
    pub(crate) fn is_written(&self, batch: BatchNumber) -> bool {
        self.desk().written.load(Ordering::Acquire) >= batch.0
    }

    /// Whether the disk is down.
    pub(crate) fn is_away(&self) -> bool {
        self.desk().away.load(Ordering::Acquire)
    }

    /// Reports that a batch took too long. The disk counts as down until it is written.
    pub(crate) fn is_too_slow(&self, batch: BatchNumber) {
        let desk = self.desk();
        let mut tray = desk.tray();
        if tray.disk == DiskState::Fine && !self.is_written(batch) {
            desk.set_disk_state(&mut tray, DiskState::Slow);
        }
    }

    fn desk(&self) -> &JournalShared {
        &self.0.0
    }
}

impl Drop for JournalOwner {
    fn drop(&mut self) {
        self.0.tray().is_closing = true;
        self.0.some.notify_all();
    }
}

impl JournalShared {
    fn tray(&self) -> MutexGuard<'_, NextBatch> {
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a changed state of the disk, once, and wakes all pools.
    fn set_disk_state(&self, tray: &mut NextBatch, disk: DiskState) {
        if tray.disk == disk {
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
        tray.disk = disk;
        self.away.store(is_away, Ordering::Release);
        for pool in &tray.pools {
            pool.wake();
        }
    }

    /// Waits for the next batch; `None`: the last handle was dropped. If many are submitting, it waits a
    /// moment longer: a pool that was just woken is about to submit more, which then needs no flush of its
    /// own.
    fn next(&self) -> Option<(BatchNumber, Changes, Vec<Waker>)> {
        let has_nothing = |tray: &mut NextBatch| tray.changes.is_empty() && !tray.is_closing;
        let tray = self.some.wait_while(self.tray(), has_nothing);
        let mut tray = tray.unwrap_or_else(PoisonError::into_inner);
        if tray.brought.max(tray.brought_before) > 1 {
            let gathered = self.some.wait_timeout_while(tray, BATCH_WINDOW, |tray| !tray.is_closing);
            (tray, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        }
        if tray.changes.is_empty() {
            return None;
        }
        let batch = tray.batch;
        tray.batch = BatchNumber(batch.0 + 1);
        tray.brought_before = mem::take(&mut tray.brought);
        Some((batch, mem::take(&mut tray.changes), mem::take(&mut tray.wake)))
    }

    fn on_written(&self, batch: BatchNumber, wake: Vec<Waker>) {
        let mut tray = self.tray();
        self.written.store(batch.0, Ordering::Release);
        self.set_disk_state(&mut tray, DiskState::Fine);
        drop(tray);
        for pool in wake {
            pool.wake();
        }
    }

    /// Merges a failed batch into the next one, and pauses. False if the last handle was dropped.
    fn on_failed(&self, why: &redb::Error, changes: Changes, wake: Vec<Waker>) -> bool {
        let mut tray = self.tray();
        for (key, record) in changes {
            tray.changes.entry(key).or_insert(record);
        }
        tray.wake.extend(wake);
        self.set_disk_state(&mut tray, DiskState::Failing(why.to_string()));
        let paused = self.some.wait_timeout_while(tray, RETRY_INTERVAL, |tray| !tray.is_closing);
        let (tray, _) = paused.unwrap_or_else(PoisonError::into_inner);
        !tray.is_closing
    }
}

/// The thread.
#[derive(Debug)]
struct JournalWriter {
    desk: Arc<JournalShared>,
    file: StateFile,
}

impl JournalWriter {
    fn run(mut self) {
        while let Some((batch, changes, wake)) = self.desk.next() {
            let written = self.file.write(&changes);
            self.desk.calls.count(written.is_ok());
            match written {
                Ok(()) => self.desk.on_written(batch, wake),
                Err(why) if self.desk.on_failed(&why, changes, wake) => {}
                Err(_) => return,
            }
        }
    }
}

impl Drop for JournalWriter {
    /// Pools that wait forever for their changes are worse than none.
    fn drop(&mut self) {
        exit_on_panic(|| error!(path = self.desk.directory; "state_directory_thread_panicked"));
    }
}
