//! The lease that a renew or a release is about.

use std::{
    io::{self, BufRead as _},
    path::{Path, PathBuf},
};

use super::{CtlOptions, CtlOutcome, LeaseSelector, lease_file::LeaseFile};
use crate::program::console::Console;
use distributex_client::{Client, LeaseId};

/// A lease that somebody holds, or held.
#[derive(Debug)]
pub(super) struct LeaseReference {
    /// Its pool.
    pub(super) pool: String,
    /// Its id.
    pub(super) id: LeaseId,
    /// Who knows it.
    pub(super) client: Client,
    /// Where it stands, if it stands in a file.
    pub(super) file: Option<(PathBuf, LeaseFile)>,
}

impl LeaseReference {
    /// The lease that is named so; nothing if its file is not there.
    pub(super) fn find(
        options: &CtlOptions,
        which: &LeaseSelector,
        console: Console,
    ) -> Result<Option<Self>, CtlOutcome> {
        let (pool, id) = match which {
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

/// Says that a lease file does not do.
pub(super) fn unusable(doing: &str, path: &Path, error: &io::Error, console: Console) -> CtlOutcome {
    console.error(format_args!("cannot {doing} {}: {error}", path.display()));
    CtlOutcome::System
}

/// The first line that is sent.
fn id_from_input(console: Console) -> Result<LeaseId, CtlOutcome> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match (read, line.trim()) {
        (Ok(_), "") => {
            console
                .error(format_args!("no lease came from the standard input; send its id there, or name it"));
            Err(CtlOutcome::Usage)
        }
        (Ok(_), id) => Ok(LeaseId::new(id)),
        (Err(error), _) => {
            console.error(format_args!("cannot read the lease from the standard input: {error}"));
            Err(CtlOutcome::System)
        }
    }
}
