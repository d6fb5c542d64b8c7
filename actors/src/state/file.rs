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
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase as _, ReadableTable as _, StorageError,
    Table, TableDefinition, backends::FileBackend,
};

use super::{
    CannotOpen,
    boot::{BootNumber, clock_name},
    contents::StateContents,
    directory::Directory,
    records::StateRecord,
    shown,
};
use crate::pool::LeaseId;

const FILE: &str = "leases.redb";
const NEW_FILE: &str = "leases.redb.new";
const LOCK: &str = "lock";

const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const BOOTS: TableDefinition<'_, u64, &str> = TableDefinition::new("boots");
const POOLS: TableDefinition<'_, (&str, u8, u64), &[u8]> = TableDefinition::new("pools");

/// Version of tables and records.
pub(super) const FORMAT: &str = "1";

/// Memory for redb's cache: even a million leases do not need the whole file in memory.
const CACHE_SIZE: usize = 64 * 1024 * 1024;

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
type Boots = BTreeMap<u64, String>;

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

/// The table about the database itself.
struct FileHeader {
    format: String,
    store: String,
}

/// Creates a database with these contents, which atomically replaces an existing one.
fn make(directory: &Directory, store: &str, known: &Boots, rows: &Rows) -> Result<Database, redb::Error> {
    let made = make_new(directory, store, known, rows)
        .and_then(|database| Ok(directory.rename(NEW_FILE, FILE).map(|()| database)?));
    if made.is_err() {
        let _ = directory.remove(NEW_FILE); // the disk may be full
    }
    made
}

fn make_new(directory: &Directory, store: &str, known: &Boots, rows: &Rows) -> Result<Database, redb::Error> {
    let database = builder().create_with_backend(FileBackend::new(directory.create(NEW_FILE)?)?)?;
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut about = transaction.open_table(ABOUT)?;
        about.insert("format", FORMAT)?;
        about.insert("store", store)?;
        let mut boots = transaction.open_table(BOOTS)?;
        for (number, name) in known {
            boots.insert(number, &**name)?;
        }
        let mut pools = transaction.open_table(POOLS)?;
        rows.iter().try_for_each(|(key, json)| put(&mut pools, key, Some(&**json)))?;
    }
    transaction.commit()?;
    Ok(database)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_SIZE).set_check_integrity_on_open(true);
    builder
}

fn database(path: &Path) -> Result<Database, DatabaseError> {
    builder().open(path)
}

/// Separates errors of the system from damage of the file.
fn cannot_open(directory: &Path, why: DatabaseError) -> CannotOpen {
    if let DatabaseError::Storage(StorageError::Io(why)) = &why
        && why.raw_os_error().is_some()
    {
        return CannotOpen::io(directory, why);
    }
    CannotOpen::damaged(&directory.join(FILE), why)
}

fn about(database: &Database) -> Result<FileHeader, redb::Error> {
    let transaction = database.begin_read()?;
    let about = transaction.open_table(ABOUT)?;
    let text = |key| about.get(key).map(|text| text.map(|text| text.value().to_owned()).unwrap_or_default());
    Ok(FileHeader { format: text("format")?, store: text("store")? })
}

/// The number of this boot, new if its clock is unknown, and all known boots. Boots without records are dropped.
fn boot(
    database: &Database,
    contents: &StateContents,
    clock: &str,
) -> Result<(BootNumber, Boots), redb::Error> {
    let mut known = Boots::new();
    for row in database.begin_read()?.open_table(BOOTS)?.iter()? {
        let (number, name) = row?;
        known.insert(number.value(), name.value().to_owned());
    }
    if let Some((number, _)) = known.iter().find(|(_, name)| *name == clock) {
        return Ok((BootNumber(*number), known));
    }
    let number = known.last_key_value().map_or(1, |(last, _)| last + 1);
    let used = contents.boots();
    let transaction = database.begin_write()?;
    {
        let mut boots = transaction.open_table(BOOTS)?;
        for (old, _) in known.extract_if(.., |old, _| !used.contains(&BootNumber(*old))) {
            boots.remove(old)?;
        }
        boots.insert(number, clock)?;
    }
    transaction.commit()?;
    known.insert(number, clock.to_owned());
    Ok((BootNumber(number), known))
}

fn contents(database: &Database) -> Result<StateContents, redb::Error> {
    let (transaction, mut contents) = (database.begin_read()?, StateContents::default());
    for row in transaction.open_table(POOLS)?.iter()? {
        let (key, value) = row?;
        let (pool, kind, number) = key.value();
        contents.0.push((pool.to_owned(), kind, number, value.value().to_vec()));
    }
    Ok(contents)
}

/// Applies rows to these keys.
fn write<'a>(
    database: &Database,
    mut keys: impl Iterator<Item = &'a RowKey>,
    rows: &Rows,
) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut pools = transaction.open_table(POOLS)?;
        keys.try_for_each(|key| put(&mut pools, key, rows.get(key).map(|json| &**json)))?;
    }
    transaction.commit()?;
    Ok(())
}

fn put(
    pools: &mut Table<'_, (&'static str, u8, u64), &'static [u8]>,
    RowKey { pool, kind, number }: &RowKey,
    json: Option<&[u8]>,
) -> Result<(), StorageError> {
    let key = (pool.as_str(), *kind as u8, *number);
    match json {
        Some(json) => drop(pools.insert(key, json)?),
        None => drop(pools.remove(key)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs};

    use super::*;
    use crate::{
        pool::{Ticket, Token},
        state::contents::LEASE,
    };

    /// A directory, removed when dropped.
    struct TempDirectory(PathBuf);

    impl TempDirectory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("distributex-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for TempDirectory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn numbers_of(pool: &str) -> RowKey {
        RowKey { pool: Name::new(pool).unwrap(), kind: RowKind::Numbers, number: 0 }
    }

    fn change(pool: &str, token: u64) -> Changes {
        let numbers = crate::pool::persistence::HighestNumbers { token: Token(token), ticket: Ticket(0) };
        Changes::from([(numbers_of(pool), Some(StateRecord::Numbers(numbers)))])
    }

    #[test]
    fn a_later_format_is_left_to_the_version_that_wrote_it() {
        let folder = TempDirectory::new("later");
        let (file, _) = StateFile::open(&folder.0).unwrap();
        let transaction = file.database.as_ref().unwrap().begin_write().unwrap();
        transaction.open_table(ABOUT).unwrap().insert("format", "2").unwrap();
        transaction.commit().unwrap();
        drop(file);

        let error = StateFile::open(&folder.0).unwrap_err().to_string();

        assert!(
            error.contains("has format 2") && error.contains("start the version that wrote it"),
            "{error}"
        );
    }

    /// The tokens of the pools `p` and `q`.
    fn tokens(directory: &Path) -> [Option<u64>; 2] {
        let (file, _) = StateFile::open(directory).unwrap();
        let token = |pool| {
            let json = file.rows.get(&numbers_of(pool))?;
            Some(serde_json::from_slice::<serde_json::Value>(json).unwrap()["token"].as_u64().unwrap())
        };
        [token("p"), token("q")]
    }

    #[test]
    fn after_an_error_everything_is_written_to_a_new_file() {
        let folder = TempDirectory::new("again");
        let (mut file, _) = StateFile::open(&folder.0).unwrap();
        file.write(&change("p", 7)).unwrap();
        let older = fs::read(file.path()).unwrap();
        file.write(&change("q", 8)).unwrap();
        file.database = None; // as after an error
        fs::write(file.path(), older).unwrap();

        file.write(&change("p", 9)).unwrap();
        file.write(&change("p", 10)).unwrap();
        drop(file);

        assert_eq!(tokens(&folder.0), [Some(10), Some(8)]);
        assert!(!folder.0.join(NEW_FILE).exists());
    }

    #[test]
    fn a_failed_write_is_repeated_with_the_rest() {
        let folder = TempDirectory::new("left");
        let (mut file, _) = StateFile::open(&folder.0).unwrap();
        file.write(&change("p", 7)).unwrap();
        file.database = None;
        fs::create_dir(folder.0.join(NEW_FILE)).unwrap();
        assert!(file.write(&change("q", 8)).is_err());
        fs::remove_dir(folder.0.join(NEW_FILE)).unwrap();

        file.write(&change("p", 9)).unwrap();
        drop(file);

        assert_eq!(tokens(&folder.0), [Some(9), Some(8)]);
    }

    #[test]
    fn a_moved_directory_is_used_instead_of_a_new_one() {
        let (folder, moved) = (TempDirectory::new("moved"), TempDirectory::new("moved-away"));
        let (mut file, _) = StateFile::open(&folder.0).unwrap();
        file.write(&change("p", 7)).unwrap();
        fs::rename(&folder.0, &moved.0).unwrap();
        let (mut other, _) = StateFile::open(&folder.0).unwrap();
        other.write(&change("p", 1)).unwrap();
        file.database = None;

        file.write(&change("q", 8)).unwrap();
        drop((file, other));

        assert_eq!(tokens(&moved.0), [Some(7), Some(8)]);
        assert_eq!(tokens(&folder.0), [Some(1), None]);
    }

    #[test]
    fn a_removed_directory_is_named_in_the_error() {
        let folder = TempDirectory::new("removed");
        let (mut file, _) = StateFile::open(&folder.0).unwrap();
        fs::remove_dir_all(&folder.0).unwrap();
        file.database = None;

        let said = file.write(&change("p", 7)).unwrap_err().to_string();

        assert!(said.contains("the directory was moved or removed"), "{said}");
    }

    #[test]
    fn a_boot_keeps_its_number_and_unused_ones_are_removed() {
        let folder = TempDirectory::new("boots");
        let (file, _) = StateFile::open(&folder.0).unwrap();
        assert_eq!(file.boot(), BootNumber(1));
        let database = file.database.as_ref().unwrap();
        let boot = |contents: &StateContents, clock| boot(database, contents, clock).unwrap().0;
        let known = clock_name().unwrap();
        assert_eq!(boot(&StateContents::default(), &known), BootNumber(1));

        let used =
            r#"{"requester":{"kind":"host","host":"a"},"now":{"boot":1,"at":1,"wall":1},"delivered":true}"#;
        let used = StateContents(vec![("p".to_owned(), LEASE, 7, used.into())]);

        assert_eq!(used.boots(), HashSet::from([BootNumber(1)]));
        assert_eq!(boot(&used, "another boot"), BootNumber(2));
        assert_eq!(boot(&used, &known), BootNumber(1));
        assert_eq!(boot(&StateContents::default(), "a third one"), BootNumber(3));
        assert_eq!(boot(&StateContents::default(), &known), BootNumber(4));
    }
}
