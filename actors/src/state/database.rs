//! Tables of the database in the state directory.

use std::path::Path;

use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase as _, ReadableTable as _, StorageError,
    Table, TableDefinition, backends::FileBackend,
};

use super::{
    CannotOpen,
    boot::BootNumber,
    contents::StateContents,
    directory::Directory,
    file::{Boots, FILE, FORMAT, NEW_FILE, RowKey, Rows},
};

pub(super) const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const BOOTS: TableDefinition<'_, u64, &str> = TableDefinition::new("boots");
const POOLS: TableDefinition<'_, (&str, u8, u64), &[u8]> = TableDefinition::new("pools");

/// Memory for redb's cache: even a million leases do not need the whole file in memory.
const CACHE_SIZE: usize = 64 * 1024 * 1024;

/// The table about the database itself.
pub(super) struct FileHeader {
    pub(super) format: String,
    pub(super) store: String,
}

/// Creates a database with these contents, which atomically replaces an existing one.
pub(super) fn make(
    directory: &Directory,
    store: &str,
    known: &Boots,
    rows: &Rows,
) -> Result<Database, redb::Error> {
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

pub(super) fn database(path: &Path) -> Result<Database, DatabaseError> {
    builder().open(path)
}

/// Separates errors of the system from damage of the file.
pub(super) fn cannot_open(directory: &Path, why: DatabaseError) -> CannotOpen {
    if let DatabaseError::Storage(StorageError::Io(why)) = &why
        && why.raw_os_error().is_some()
    {
        return CannotOpen::io(directory, why);
    }
    CannotOpen::damaged(&directory.join(FILE), why)
}

pub(super) fn about(database: &Database) -> Result<FileHeader, redb::Error> {
    let transaction = database.begin_read()?;
    let about = transaction.open_table(ABOUT)?;
    let text = |key| about.get(key).map(|text| text.map(|text| text.value().to_owned()).unwrap_or_default());
    Ok(FileHeader { format: text("format")?, store: text("store")? })
}

/// The number of this boot, new if its clock is unknown, and all known boots. Boots without records are dropped.
pub(super) fn boot(
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

pub(super) fn contents(database: &Database) -> Result<StateContents, redb::Error> {
    let (transaction, mut contents) = (database.begin_read()?, StateContents::default());
    for row in transaction.open_table(POOLS)?.iter()? {
        let (key, value) = row?;
        let (pool, kind, number) = key.value();
        contents.0.push((pool.to_owned(), kind, number, value.value().to_vec()));
    }
    Ok(contents)
}

/// Applies rows to these keys.
pub(super) fn write<'a>(
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
