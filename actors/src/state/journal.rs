//! The journal: takes the changes of all pools and sees to it that they are on the disk.
//!
//! One thread writes, with one flush, all that was brought while it wrote the last time: a change that comes alone
//! waits for one flush, and thousands that come at once wait for two. Only the latest state counts, so what waits
//! to be written does not grow with the number of changes, and writing it again after a failure does no harm.
//!
//! ```text
//!  submit ─► batch n+1 ──┐        ┌── written: n, and whoever is in it is woken
//!                        ▼        │
//!            batch n ─► the disk ─┼── failed: back into batch n+1, and again in a second ─┐ nothing is
//!                                 └── takes too long ─────────────────────────────────────┴ granted till then
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
    backend::Waker,
    pool::{actor::EX_SOFTWARE, persistence::PoolChange},
    telemetry::backend_calls::BackendCalls,
};

/// Consequence of a disk that cannot be written, for the log.
const NO_GRANTS: &str = "no slot is granted or renewed until it can be written";

/// After so long a disk that could not be written is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// When many write at once, a batch is written so much later.
const BATCH_WINDOW: Duration = Duration::from_micros(50);

/// The number of a batch of changes: batches are written in the order of their numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchNumber(u64);

/// The journal. A clone is the same one; with the last one the thread ends, when all is written that can be.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<JournalOwner>);

/// Ends the thread when nobody brings changes any more.
#[derive(Debug)]
struct JournalOwner(Arc<JournalShared>);

/// What pools and the thread share.
#[derive(Debug)]
struct JournalShared {
    /// The directory, for the log.
    directory: String,
    /// The random name of what is kept there.
    store: Arc<str>,
    /// The number of this boot.
    boot: BootNumber,
    tray: Mutex<NextBatch>,
    /// Rings when there is something to write, or nobody left to write for.
    some: Condvar,
    /// The last batch that is on the disk.
    written: AtomicU64,
    /// Whether nothing can be written for now.
    away: AtomicBool,
    /// How often the disk was written.
    calls: BackendCalls,
}

/// What is to be written next.
#[derive(Debug)]
struct NextBatch {
    /// Its number.
    batch: BatchNumber,
    changes: Changes,
    /// How often something was brought.
    brought: usize,
    /// The same, for the batch before.
    brought_before: usize,
    /// Who is to be told when it is written.
    wake: Vec<Waker>,
    /// All pools. They end when nobody else wants them.
    pools: Vec<Waker>,
    /// How the disk is.
    disk: DiskState,
    /// Whether nobody brings anything any more.
    is_closing: bool,
}

/// How the disk is.
#[derive(Debug, PartialEq, Eq)]
enum DiskState {
    /// It takes what is written.
    Fine,
    /// It has not answered for too long.
    Slow,
    /// It says no, because of this.
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

    /// The random name of what is kept here.
    pub(super) fn store(&self) -> Arc<str> {
        Arc::clone(&self.desk().store)
    }

    /// How often the disk was written.
    pub(crate) fn calls(&self) -> &BackendCalls {
        &self.desk().calls
    }

    /// From now on this pool is told when nothing can be written, and when all is well again.
    pub(crate) fn add(&self, pool: Waker) {
        self.desk().tray().pools.push(pool);
    }

    /// Takes changes of a pool, which happened now: the batch in which they will be written. The pool is woken
    /// then; `latest` is the batch for which it brought changes last.
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

    /// Whether a batch is on the disk.
    pub(crate) fn is_written(&self, batch: BatchNumber) -> bool {
        self.desk().written.load(Ordering::Acquire) >= batch.0
    }

    /// Whether nothing can be written for now.
    pub(crate) fn is_away(&self) -> bool {
        self.desk().away.load(Ordering::Acquire)
    }

    /// Somebody has waited too long for this batch. Until it is written, the disk counts as away.
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

    /// Says so, once, if the disk is not any more as it was, and tells all pools.
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

    /// The next batch, as soon as there is something in it; `None`: nobody writes any more. If many write at
    /// once, a moment later: who was just answered is about to ask for more, and that needs no flush of its own
    /// then.
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

    /// Puts a batch back under what came meanwhile, and waits a little. False if nobody waits for it.
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
    /// Pools that wait for ever for their changes to be written are worse than none.
    fn drop(&mut self) {
        if thread::panicking() {
            error!(path = self.desk.directory; "state_directory_thread_panicked");
            log::logger().flush();
            std::process::exit(EX_SOFTWARE);
        }
    }
}
