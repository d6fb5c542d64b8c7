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

mod shared;

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use distributex_config::Name;
use log::error;
use tokio::time::Instant;

pub(crate) use self::shared::WRITE_TIMEOUT;
use self::shared::{DiskState, JournalShared, NextBatch};
use super::{
    file::{Changes, RowKey, RowKind, StateFile},
    records::StateRecord,
    shown,
};
use crate::{
    backend::Waker, exit_on_panic::exit_on_panic, pool::persistence::PoolChange,
    telemetry::backend_calls::BackendCalls,
};

/// Number of a batch; batches are written in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchNumber(u64);

/// Handle of the journal. When the last clone is dropped, the thread ends after a last write.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<JournalOwner>);

/// Ends the thread when dropped.
#[derive(Debug)]
struct JournalOwner(Arc<JournalShared>);

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
            is_down: AtomicBool::new(false),
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
            PoolChange::QueueEntry(ticket, waiter) => (
                key(RowKind::QueueEntry, ticket.0),
                waiter.map(|waiter| StateRecord::QueueEntry(Box::new(waiter), now)),
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
    pub(crate) fn is_down(&self) -> bool {
        self.shared().is_down.load(Ordering::Acquire)
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
