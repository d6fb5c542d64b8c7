//! The state directory: what pools in memory keep on the local disk, so that a restart loses nothing.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`StateDirectory`] here | the directory, opened: what it remembers, and the journal that goes on from there |
//! | `journal` | takes the changes of all pools; one thread writes them, many with one flush |
//! | `file` | the database in the directory, and its format |
//! | `directory` | the directory itself, which may be moved |
//! | `contents` | all that stands in it, as it is read at the start |
//! | `record` | a lease, a place and a pool as they are written down |
//! | `boot` | clocks: how much of a lease is left after a restart |
//!
//! ```text
//!  pools ── changes ──► journal ── one transaction, one flush ──► leases.redb
//!    ▲                     │
//!    └── written, away ◄───┘            StateDirectory::open ◄── restart
//! ```
//!
//! The store is redb: a copy-on-write B-tree in one file, pure Rust, without a thread of its own. One commit is
//! one fdatasync. After a crash the newest complete commit counts, as its checksums tell; nothing that was
//! flushed is ever overwritten before the next commit has been flushed, so that a power cut in the middle of one
//! leaves the one before. It is checked from end to end at every start. An append-only log would write fewer pages
//! per commit, and would need checksums, compaction and recovery of our own.

mod boot;
mod cannot_open;
mod contents;
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
pub(crate) use self::journal::{BatchNumber, Journal};
use crate::pool::persistence::PersistedPool;

/// A state directory that this server has for itself.
#[derive(Debug)]
pub struct StateDirectory {
    /// What was written down of each pool, until it is taken.
    kept: HashMap<Name, PersistedPool>,
    /// Where changes go.
    journal: Journal,
}

impl StateDirectory {
    /// Opens a directory, or makes one; waits for nothing but the disk.
    ///
    /// # Errors
    /// [`CannotOpen`] if it cannot be used, with the way out.
    pub fn open(directory: &Path) -> Result<Self, CannotOpen> {
        let (mut file, contents) = StateFile::open(directory)?;
        let now = file.boot().now(Instant::now());
        let kept = contents.read(&now).map_err(|why| CannotOpen::damaged(&file.path(), why))?;
        if let Err(why) = file.write(&contents.written_in_other_boots(&kept, now)) {
            // Nothing is lost: they are as they were, and would begin anew once more.
            let hint = "the remaining time of leases cannot be stored";
            warn!(path = shown(&file.path()), error:% = why, hint; "state_directory_down");
        }
        let journal = Journal::start(file).map_err(|why| CannotOpen::io(directory, why))?;
        Ok(Self { kept, journal })
    }

    /// The random name of what is kept here, which outlives the process.
    #[must_use]
    pub fn store(&self) -> Arc<str> {
        self.journal.store()
    }

    /// How many leases and how many places it remembers.
    #[must_use]
    pub fn restored(&self) -> (usize, usize) {
        let kept = self.kept.values();
        kept.fold((0, 0), |(leases, places), kept| (leases + kept.leases.len(), places + kept.places.len()))
    }

    /// The pools that have leases or places, each as it has to be for the leases to live on.
    pub(crate) fn pools(&self) -> Vec<Pool> {
        let used = self.kept.iter().filter(|(_, kept)| !kept.leases.is_empty() || !kept.places.is_empty());
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

    /// What was written down of a pool.
    pub(crate) fn take(&mut self, pool: &Name) -> PersistedPool {
        self.kept.remove(pool).unwrap_or_default()
    }

    /// Where its changes go.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }
}

/// A path, for sentences.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
