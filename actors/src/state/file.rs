//! The database in the state directory: how it is made, opened, checked, read and written.
//!
//! | file | what it is |
//! | --- | --- |
//! | `leases.redb` | the database, in redb's format |
//! | `leases.redb.new` | one that is just being made; without its name it is nothing yet |
//! | `lock` | locked by the server that uses the directory, for as long as it lives |
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `about` | `format`, `store` | the version of all this; the random name of what is kept here |
//! | `boots` | number | the name of a boot in which something was written that still stands |
//! | `pools` | pool, 0, 0 | the largest token and ticket that it gave out |
//! | | pool, 1, token | a slot that is held |
//! | | pool, 2, ticket | the place of an asker that comes back |
//!
//! All of that is one table because a commit then touches the fewest pages.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use distributex_config::Name;
use fslock::LockFile;
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase as _, ReadableTable as _, StorageError,
    TableDefinition,
};

use super::{
    CannotOpen,
    boot::{Boot, this_boot},
    contents::Contents,
    record::Record,
    shown,
};
use crate::pool::LeaseId;

const FILE: &str = "leases.redb";
const NEW_FILE: &str = "leases.redb.new";
const LOCK: &str = "lock";

const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const BOOTS: TableDefinition<'_, u64, &str> = TableDefinition::new("boots");
const POOLS: TableDefinition<'_, (&str, u8, u64), &[u8]> = TableDefinition::new("pools");

/// The version of the tables and records.
pub(super) const FORMAT: &str = "1";

/// For how much of the file memory is used: a million leases do not need it all.
const CACHE: usize = 64 * 1024 * 1024;

/// Under which key something is written down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pool: Name,
    pub(super) kind: Kind,
    /// A token or a ticket; 0 where there is one of a kind.
    pub(super) number: u64,
}

/// What can be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Numbers = 0,
    Lease = 1,
    Place = 2,
    Paused = 3,
}

/// What is to be written, the latest under each key; nothing: what stands there is over.
pub(super) type Changes = HashMap<Key, Option<Record>>;

/// The database, and the directory that we have for ourselves.
#[derive(Debug)]
pub(super) struct File {
    directory: PathBuf,
    /// Closed after an error: redb takes nothing more then.
    database: Option<Database>,
    /// The random name of what is kept here.
    store: Arc<str>,
    /// The number of this boot.
    boot: Boot,
    /// Locked as long as this is open.
    _lock: LockFile,
}

impl File {
    /// Opens the database, which is made if there is none; reads all that stands in it.
    pub(super) fn open(directory: &Path) -> Result<(Self, Contents), CannotOpen> {
        let fails = |why: io::Error| CannotOpen::io(directory, why);
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(fails)?;
        let mut lock = LockFile::open(&directory.join(LOCK)).map_err(fails)?;
        if !lock.try_lock().map_err(fails)? {
            return Err(CannotOpen::Locked { directory: shown(directory) });
        }
        let path = directory.join(FILE);
        if !path.try_exists().map_err(fails)? {
            make(directory).map_err(|why| CannotOpen::io(directory, why))?;
        }
        let database = database(&path).map_err(|why| cannot_open(directory, why))?;
        let about = about(&database).map_err(|why| CannotOpen::damaged(&path, why))?;
        if about.format != FORMAT {
            return Err(CannotOpen::Later { file: shown(&path), format: about.format });
        }
        let contents = contents(&database).map_err(|why| CannotOpen::damaged(&path, why))?;
        let boot = boot(&database, &contents).map_err(|why| CannotOpen::io(directory, why))?;
        let (directory, store) = (directory.to_path_buf(), about.store.into());
        Ok((Self { directory, database: Some(database), store, boot, _lock: lock }, contents))
    }

    /// The file itself.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The number of this boot.
    pub(super) fn boot(&self) -> Boot {
        self.boot
    }

    /// The random name of what is kept here.
    pub(super) fn store(&self) -> Arc<str> {
        Arc::clone(&self.store)
    }

    /// Writes all of this or nothing; when it returns, it is on the disk. After an error it may be either.
    pub(super) fn write(&mut self, changes: &Changes) -> Result<(), redb::Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let database = match self.database.take() {
            Some(database) => database,
            None => self.reopen()?,
        };
        write(&database, changes)?;
        self.database = Some(database); // one that failed is not used again
        Ok(())
    }

    /// Opens the database once more after an error, if it is still the same.
    fn reopen(&self) -> Result<Database, redb::Error> {
        let database = database(&self.path())?;
        if about(&database)?.store == *self.store {
            return Ok(database);
        }
        let why =
            "the file is another one than at the start: put the right one back, or start the server anew";
        Err(io::Error::other(why).into())
    }
}

/// What is said about a database in itself.
struct About {
    format: String,
    store: String,
}

/// Makes an empty database under another name, and names it when it is whole and on the disk.
fn make(directory: &Path) -> Result<(), redb::Error> {
    let (new, path) = (directory.join(NEW_FILE), directory.join(FILE));
    if new.try_exists()? {
        fs::remove_file(&new)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?; // secrets will stand in it
    let database = builder().create(&new)?;
    let transaction = database.begin_write()?;
    {
        let mut about = transaction.open_table(ABOUT)?;
        about.insert("format", FORMAT)?;
        about.insert("store", &*LeaseId::random().reveal())?;
        transaction.open_table(BOOTS)?;
        transaction.open_table(POOLS)?;
    }
    transaction.commit()?;
    database.close()?;
    fs::rename(&new, &path)?;
    fs::File::open(directory)?.sync_all()?;
    Ok(())
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    builder
}

fn database(path: &Path) -> Result<Database, DatabaseError> {
    builder().open(path)
}

/// What the system says is trouble with the system, what redb says is trouble with the file.
fn cannot_open(directory: &Path, why: DatabaseError) -> CannotOpen {
    if let DatabaseError::Storage(StorageError::Io(why)) = &why
        && why.raw_os_error().is_some()
    {
        return CannotOpen::io(directory, why);
    }
    CannotOpen::damaged(&directory.join(FILE), why)
}

fn about(database: &Database) -> Result<About, redb::Error> {
    let transaction = database.begin_read()?;
    let about = transaction.open_table(ABOUT)?;
    let text = |key| about.get(key).map(|text| text.map(|text| text.value().to_owned()).unwrap_or_default());
    Ok(About { format: text("format")?, store: text("store")? })
}

/// The number of this boot, which gets one if it has none. Boots of which nothing stands any more are forgotten.
fn boot(database: &Database, contents: &Contents) -> Result<Boot, redb::Error> {
    let (mut number, mut known) = (None, Vec::new());
    for row in database.begin_read()?.open_table(BOOTS)?.iter()? {
        let (key, name) = row?;
        known.push(key.value());
        number = if name.value() == this_boot() { Some(Boot(key.value())) } else { number };
    }
    if let Some(number) = number {
        return Ok(number);
    }
    let (number, used) = (known.iter().max().map_or(1, |last| last + 1), contents.boots());
    let transaction = database.begin_write()?;
    {
        let mut boots = transaction.open_table(BOOTS)?;
        for old in known.into_iter().filter(|old| !used.contains(&Boot(*old))) {
            boots.remove(old)?;
        }
        boots.insert(number, &*this_boot())?;
    }
    transaction.commit()?;
    Ok(Boot(number))
}

fn contents(database: &Database) -> Result<Contents, redb::Error> {
    let (transaction, mut contents) = (database.begin_read()?, Contents::default());
    for row in transaction.open_table(POOLS)?.iter()? {
        let (key, value) = row?;
        let (pool, kind, number) = key.value();
        contents.0.push((pool.to_owned(), kind, number, value.value().to_vec()));
    }
    Ok(contents)
}

fn write(database: &Database, changes: &Changes) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut pools = transaction.open_table(POOLS)?;
        for (Key { pool, kind, number }, record) in changes {
            let key = (pool.as_str(), *kind as u8, *number);
            match record {
                Some(record) => drop(pools.insert(key, &*record.to_json())?),
                None => drop(pools.remove(key)?),
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{
        pool::{Ticket, Token},
        state::contents::LEASE,
    };

    /// A folder of its own, removed with this value.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("distributex-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn change(token: u64) -> Changes {
        let key = Key { pool: Name::new("p").unwrap(), kind: Kind::Numbers, number: 0 };
        let numbers = crate::pool::kept::Numbers { token: Token(token), ticket: Ticket(0) };
        Changes::from([(key, Some(Record::Numbers(numbers)))])
    }

    #[test]
    fn a_later_format_is_left_to_the_version_that_wrote_it() {
        let folder = Folder::new("later");
        let (file, _) = File::open(&folder.0).unwrap();
        let transaction = file.database.as_ref().unwrap().begin_write().unwrap();
        transaction.open_table(ABOUT).unwrap().insert("format", "2").unwrap();
        transaction.commit().unwrap();
        drop(file);

        let told = File::open(&folder.0).unwrap_err().to_string();

        assert!(told.contains("has format 2") && told.contains("start the version that wrote it"), "{told}");
    }

    #[test]
    fn after_an_error_the_file_is_opened_again_if_it_is_still_the_same() {
        let folder = Folder::new("again");
        let (mut file, _) = File::open(&folder.0).unwrap();
        file.write(&change(7)).unwrap();
        file.database = None; // as after an error

        file.write(&change(8)).unwrap();
        file.database = None;
        fs::remove_file(file.path()).unwrap();
        let gone = file.write(&change(9)).unwrap_err().to_string();
        make(&folder.0).unwrap();
        let other = file.write(&change(9)).unwrap_err().to_string();

        assert!(gone.contains("No such file"), "{gone}");
        assert!(other.contains("another one than at the start"), "{other}");
    }

    #[test]
    fn a_boot_keeps_its_number_and_old_ones_are_forgotten() {
        let folder = Folder::new("boots");
        let (file, _) = File::open(&folder.0).unwrap();
        assert_eq!(file.boot(), Boot(1));
        let database = file.database.as_ref().unwrap();
        let rename = |name: &str| {
            let transaction = database.begin_write().unwrap();
            transaction.open_table(BOOTS).unwrap().insert(1, name).unwrap();
            transaction.commit().unwrap();
        };
        assert_eq!(boot(database, &Contents::default()).unwrap(), Boot(1));

        rename("another boot");
        let used = r#"{"asker":{"kind":"host","host":"a"},"now":{"boot":1,"at":1,"wall":1},"told":true}"#;
        let used = Contents(vec![("p".to_owned(), LEASE, 7, used.into())]);

        assert_eq!(used.boots(), HashSet::from([Boot(1)]));
        assert_eq!(boot(database, &used).unwrap(), Boot(2));
        rename("a third one");
        assert_eq!(boot(database, &Contents::default()).unwrap(), Boot(2));
    }
}
