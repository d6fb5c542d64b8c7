//! Lookup of the lease to renew or release.

use std::{
    io::{self, BufRead as _},
    path::{Path, PathBuf},
};

use super::{CtlOptions, CtlOutcome, command::LeaseSelector, lease_file::LeaseFile};
use crate::program::console::Console;
use distributex_client::{Client, LeaseId};

/// A lease that is, or was, held by this user.
#[derive(Debug)]
pub(super) struct LeaseReference {
    /// The pool.
    pub(super) pool: String,
    /// The lease id.
    pub(super) id: LeaseId,
    /// Client of its servers.
    pub(super) client: Client,
    /// Path and contents of its file, if it is in one.
    pub(super) file: Option<(PathBuf, LeaseFile)>,
}

impl LeaseReference {
    /// Finds the lease; `None` if its file does not exist.
    pub(super) fn find(
        options: &CtlOptions,
        selector: &LeaseSelector,
        console: Console,
    ) -> Result<Option<Self>, CtlOutcome> {
        let (pool, id) = match selector {
            LeaseSelector::File(path) => return Self::read(options, path, console),
            LeaseSelector::Id(pool, id) => (pool.clone(), id.clone()),
            LeaseSelector::FromInput(pool) => (pool.clone(), id_from_input(console)?),
        };
        Ok(Some(Self { pool, id, client: Client::new(options.servers().to_vec()), file: None }))
    }

    fn read(options: &CtlOptions, path: &Path, console: Console) -> Result<Option<Self>, CtlOutcome> {
        let file = LeaseFile::read(path).map_err(|error| unusable("read", path, &error, console))?;
        Ok(file.map(|file| Self {
            pool: file.lease.pool.clone(),
            id: file.lease.id.clone(),
            client: file.client(options.given.as_deref()),
            file: Some((path.to_owned(), file)),
        }))
    }
}

/// Reports that a lease file cannot be used.
pub(super) fn unusable(doing: &str, path: &Path, error: &io::Error, console: Console) -> CtlOutcome {
    console.error(format_args!("cannot {doing} {}: {error}", path.display()));
    CtlOutcome::System
}

/// Reads the lease id from the first line of standard input.
fn id_from_input(console: Console) -> Result<LeaseId, CtlOutcome> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match (read, line.trim()) {
        (Ok(_), "") => {
            console.error(format_args!(
                "standard input contains no lease id; write one to it, or give the id as an argument"
            ));
            Err(CtlOutcome::Usage)
        }
        (Ok(_), id) => Ok(LeaseId::new(id)),
        (Err(error), _) => {
            console.error(format_args!("cannot read the lease id from standard input: {error}"));
            Err(CtlOutcome::System)
        }
    }
}
