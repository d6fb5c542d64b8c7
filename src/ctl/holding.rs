//! The lease that a renew or a release is about.

use std::{
    io::{self, BufRead as _},
    path::{Path, PathBuf},
};

use super::{Ending, Options, Which, lease_file::LeaseFile};
use crate::{
    client::{Client, LeaseId},
    program::voice::Voice,
};

/// A lease that somebody holds, or held.
#[derive(Debug)]
pub(super) struct Holding {
    /// Its pool.
    pub(super) pool: String,
    /// Its id.
    pub(super) id: LeaseId,
    /// Who knows it.
    pub(super) client: Client,
    /// Where it stands, if it stands in a file.
    pub(super) file: Option<(PathBuf, LeaseFile)>,
}

impl Holding {
    /// The lease that is named so; nothing if its file is not there.
    pub(super) fn find(options: &Options, which: &Which, voice: Voice) -> Result<Option<Self>, Ending> {
        let (pool, id) = match which {
            Which::File(path) => return Self::read(options, path, voice),
            Which::Id(pool, id) => (pool.clone(), id.clone()),
            Which::FromInput(pool) => (pool.clone(), id_from_input(voice)?),
        };
        Ok(Some(Self { pool, id, client: Client::new(options.servers().to_vec()), file: None }))
    }

    fn read(options: &Options, path: &Path, voice: Voice) -> Result<Option<Self>, Ending> {
        let file = LeaseFile::read(path).map_err(|error| unusable("read", path, &error, voice))?;
        Ok(file.map(|file| Self {
            pool: file.lease.pool.clone(),
            id: file.lease.id.clone(),
            client: file.client(options.given.as_deref()),
            file: Some((path.to_owned(), file)),
        }))
    }
}

/// Says that a lease file does not do.
pub(super) fn unusable(doing: &str, path: &Path, error: &io::Error, voice: Voice) -> Ending {
    voice.say(format_args!("cannot {doing} {}: {error}", path.display()));
    Ending::System
}

/// The first line that is sent.
fn id_from_input(voice: Voice) -> Result<LeaseId, Ending> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match (read, line.trim()) {
        (Ok(_), "") => {
            voice.say(format_args!("no lease came from the standard input; send its id there, or name it"));
            Err(Ending::Usage)
        }
        (Ok(_), id) => Ok(LeaseId::new(id)),
        (Err(error), _) => {
            voice.say(format_args!("cannot read the lease from the standard input: {error}"));
            Err(Ending::System)
        }
    }
}
