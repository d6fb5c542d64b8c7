//! The database in the state directory: creation, checks, reads and writes.
//!
//! | file | content |
//! | --- | --- |
//! | `leases.redb` | the database, in redb's format |
//! | `leases.redb.new` | a new one being written; it is renamed when complete |
//! | `lock` | locked by the server that uses the directory, while it runs |
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `about` | `format`, `store` | version of the format; random id of the store |
//! | `boots` | number | id of the clock of a boot that has records |
//! | `pools` | pool, 0, 0 | the largest token and ticket used |
//! | | pool, 1, token | a lease |
//! | | pool, 2, ticket | a queue entry whose requester may return |
//! | | pool, 3, 0 | the pause, if the pool is paused |
//!
//! The records are in one table because a commit then writes the fewest pages.
//!
//! After an error a file is not written again. The data of a failed flush may be lost although it can still be read: the
//! kernel considers those pages written (<https://wiki.postgresql.org/wiki/Fsync_Errors>). So everything is written to a
//! new file, from memory, and the new file replaces the old one when it is on the disk.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use distributex_config::Name;
use fslock::LockFile;
use log::warn;
use redb::Database;

use super::{
    CannotOpen,
    boot::{BootNumber, clock_name},
    contents::StateContents,
    database::{about, boot, cannot_open, contents, database, make, write},
    directory::Directory,
    records::StateRecord,
    shown,
};
use crate::pool::LeaseId;

pub(super) const FILE: &str = "leases.redb";
pub(super) const NEW_FILE: &str = "leases.redb.new";
const LOCK: &str = "lock";

/// Version of tables and records.
pub(super) const FORMAT: &str = "1";

/// Key of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RowKey {
    pub(super) pool: Name,
    pub(super) kind: RowKind,
    /// Token or ticket; 0 for a kind with one record per pool.
    pub(super) number: u64,
}

/// Kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum RowKind {
    Numbers = 0,
    Lease = 1,
    QueueEntry = 2,
    Paused = 3,
}

impl RowKind {
    /// The kind with this number.
    pub(super) fn of(number: u8) -> Option<Self> {
        [Self::Numbers, Self::Lease, Self::QueueEntry, Self::Paused]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// Records to write, the latest of each key; `None`: to delete.
pub(super) type Changes = HashMap<RowKey, Option<StateRecord>>;

/// All records of the database: JSON by key.
pub(super) type Rows = HashMap<RowKey, Box<[u8]>>;

/// Boots with records, by number.
pub(super) type Boots = BTreeMap<u64, String>;

/// The database, in an exclusively locked directory.
#[derive(Debug)]
pub(super) struct StateFile {
    directory: Directory,
    /// `None` after an error, until a new file is complete.
    database: Option<Database>,
    /// Random id of the store.
    store: Arc<str>,
    /// Number of this boot.
    boot: BootNumber,
    boots: Boots,
    /// All records so far, for a new file.
    rows: Rows,
    /// The lock, held while this is open.
    _lock: LockFile,
}

impl StateFile {
    /// Opens or creates the database, and reads its contents.
    pub(super) fn open(directory: &Path) -> Result<(Self, StateContents), CannotOpen> {
        let fails = |why: io::Error| CannotOpen::io(directory, why);
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(fails)?;
        let mut lock = LockFile::open(&directory.join(LOCK)).map_err(fails)?;
        if !lock.try_lock().map_err(fails)? {
            return Err(CannotOpen::Locked { directory: shown(directory) });
        }
        let path = directory.join(FILE);
        let opened = Directory::open(directory).map_err(fails)?;
        opened.remove(NEW_FILE).map_err(fails)?;
        if !path.try_exists().map_err(fails)? {
            let store = LeaseId::random().reveal();
            let made = make(&opened, &store, &Boots::new(), &Rows::new());
            made.map_err(|why| CannotOpen::io(directory, why))?;
        }
        let database = database(&path).map_err(|why| cannot_open(directory, why))?;
        let about = about(&database).map_err(|why| CannotOpen::damaged(&path, why))?;
        if about.format != FORMAT {
            return Err(CannotOpen::Later { file: shown(&path), format: about.format });
        }
        let contents = contents(&database).map_err(|why| CannotOpen::damaged(&path, why))?;
        let rows = contents.rows().map_err(|why| CannotOpen::damaged(&path, why))?;
        let clock = clock_name().unwrap_or_else(|why| {
            let hint = "leases restart with the time they had left";
            warn!(error:% = why, hint; "boot_clock_unknown");
            format!("unknown {}", LeaseId::random().reveal())
        });
        let boot = boot(&database, &contents, &clock);
        let (boot, boots) = boot.map_err(|why| CannotOpen::io(directory, why))?;
        let store = about.store.into();
        let database = Some(database);
        Ok((Self { directory: opened, database, store, boot, boots, rows, _lock: lock }, contents))
    }

    /// The file.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join(FILE)
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The number of this boot.
    pub(super) fn boot(&self) -> BootNumber {
        self.boot
    }

    /// The id of the store.
    pub(super) fn store(&self) -> Arc<str> {
        Arc::clone(&self.store)
    }

    /// Writes all of this or nothing, durably. After an error it may be either; the next call writes it
    /// again, with everything else, to a new file.
    pub(super) fn write(&mut self, changes: &Changes) -> Result<(), redb::Error> {
        if changes.is_empty() {
            return Ok(());
        }
        for (key, record) in changes {
            match record {
                Some(record) => drop(self.rows.insert(key.clone(), record.to_json().into())),
                None => drop(self.rows.remove(key)),
            }
        }
        let database = match self.database.take() {
            Some(database) => {
                write(&database, changes.keys(), &self.rows)?;
                database
            }
            None => {
                let made = make(&self.directory, &self.store, &self.boots, &self.rows);
                made.map_err(|why| self.directory.explain(why))?
            }
        };
        self.database = Some(database);
        Ok(())
    }
}
