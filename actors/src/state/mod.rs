//! The state directory: persistence of the in-memory backend on a local disk, so that a restart loses nothing.
//!
//! | part | purpose |
//! | --- | --- |
//! | [`StateDirectory`] here | the opened directory: the restored pools, and the journal for their changes |
//! | `journal` | writes the changes of all pools, many with one flush, on its own thread |
//! | `file`, `database` | the database in the directory, and its format |
//! | `directory` | the directory itself, which may be moved |
//! | `contents` | the contents as read at the start |
//! | `records` | JSON records of leases, queue entries and pools |
//! | `boot` | clocks: the time left of a lease after a restart |
//!
//! ```text
//!  pools ── changes ──► journal ── one transaction, one flush ──► leases.redb
//!    ▲                     │
//!    └── written, down ◄───┘            StateDirectory::open ◄── restart
//! ```
//!
//! The store is redb: a copy-on-write B-tree in one file, pure Rust, without a thread of its own. One commit is
//! one fdatasync. After a crash the newest complete commit is used, according to its checksums; nothing that was
//! flushed is ever overwritten before the next commit has been flushed, so that a power cut in the middle of one
//! leaves the one before. It is checked from end to end at every start. An append-only log would write fewer pages
//! per commit, and would need checksums, compaction and recovery of our own.

mod boot;
mod cannot_open;
mod contents;
mod database;
mod directory;
mod file;
mod journal;
mod records;

use std::{collections::HashMap, path::Path, sync::Arc};

use distributex_config::{Name, Pool};
use log::warn;
use tokio::time::Instant;

pub use self::cannot_open::CannotOpen;
use self::file::StateFile;
pub(crate) use self::journal::{BatchNumber, Journal, WRITE_TIMEOUT};
use crate::pool::persistence::PersistedPool;

/// A state directory, used by this server alone.
#[derive(Debug)]
pub struct StateDirectory {
    /// Records of each pool, until it is opened.
    kept: HashMap<Name, PersistedPool>,
    /// The journal.
    journal: Journal,
}

impl StateDirectory {
    /// Opens or creates a directory.
    ///
    /// # Errors
    /// [`CannotOpen`], with advice.
    pub fn open(directory: &Path) -> Result<Self, CannotOpen> {
        let (mut file, contents) = StateFile::open(directory)?;
        let now = file.boot().now(Instant::now());
        let kept = contents.read(&now).map_err(|why| CannotOpen::damaged(&file.path(), why))?;
        if let Err(why) = file.write(&contents.written_in_other_boots(&kept, now)) {
            // Nothing is lost: the records are unchanged; leases would start over once more.
            let hint = "the remaining time of leases cannot be stored";
            warn!(path = shown(&file.path()), error:% = why, hint; "state_directory_down");
        }
        let journal = Journal::start(file).map_err(|why| CannotOpen::io(directory, why))?;
        Ok(Self { kept, journal })
    }

    /// The id of the store, which outlives the process.
    #[must_use]
    pub fn store(&self) -> Arc<str> {
        self.journal.store()
    }

    /// Number of restored leases and queue entries.
    #[must_use]
    pub fn restored(&self) -> (usize, usize) {
        let kept = self.kept.values();
        kept.fold((0, 0), |(leases, queue_entries), kept| {
            (leases + kept.leases.len(), queue_entries + kept.queue_entries.len())
        })
    }

    /// Pools with leases or queue entries that have not been opened, with settings under which their leases continue.
    pub(crate) fn pools(&self) -> Vec<Pool> {
        let used =
            self.kept.iter().filter(|(_, kept)| !kept.leases.is_empty() || !kept.queue_entries.is_empty());
        let pools = used.map(|(name, kept)| {
            let lives_for_ever = kept.leases.iter().any(|lease| lease.ttl.is_none());
            let longest = kept.leases.iter().filter_map(|lease| lease.ttl).max();
            Pool {
                name: name.clone(),
                expire: longest.filter(|_| !lives_for_ever),
                slots: u32::try_from(kept.leases.len()).unwrap_or(u32::MAX),
                servers: None,
                max_waiters: 1,
            }
        });
        pools.collect()
    }

    /// Takes the records of a pool.
    pub(crate) fn take(&mut self, pool: &Name) -> PersistedPool {
        self.kept.remove(pool).unwrap_or_default()
    }

    /// The journal for its changes.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }
}

/// A path, for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
