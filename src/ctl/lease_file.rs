//! The file that keeps a lease between an acquire and its release.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::program::replace_file::{beside, create};
use distributex_client::{Client, LeaseRecord, Server};

/// What stands in it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeaseFile {
    /// The lease, as the protocol writes it.
    #[serde(flatten)]
    pub(super) lease: LeaseRecord,
    /// Who was asked for it: one server or several, with commas between them.
    server: String,
}

impl LeaseFile {
    /// A lease of one of these servers.
    pub(super) fn new(lease: LeaseRecord, servers: &[Server]) -> Self {
        let server = servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        Self { lease, server }
    }

    /// Reads it. A file that is not there, or is empty as that of `mktemp`, has no lease.
    ///
    /// # Errors
    /// When it cannot be read, or something else stands in it. Its text is not told: it may be a secret.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !metadata.is_file() {
            return Err(no_lease_file());
        }
        let text = fs::read(path)?;
        if text.is_empty() {
            return Ok(None);
        }
        let file: Self = serde_json::from_slice(&text).map_err(|_| no_lease_file())?;
        file.servers().ok_or_else(no_lease_file)?;
        Ok(Some(file))
    }

    /// As [`LeaseFile::read`], and finds out whether one can be written there: nobody is to wait for a slot
    /// in vain.
    pub(super) fn try_out(path: &Path) -> io::Result<Option<Self>> {
        let (old, beside) = (Self::read(path)?, beside(path));
        create(&beside)?;
        fs::remove_file(&beside)?;
        Ok(old)
    }

    /// Writes it, readable for its owner only. Whoever reads it finds the old one or the new one, never half
    /// of it.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let beside = beside(path);
        let written = create(&beside).and_then(|mut file| file.write_all(&text));
        let written = written.and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside); // it may not be there
        }
        written
    }

    /// A client of the servers that know this lease; of others, if these are named.
    ///
    /// Only the lease's own store will do. But one server alone that has another store by now was restarted
    /// without its memory: it may say itself that the lease is lost.
    pub(super) fn client(&self, named: Option<&[Server]>) -> Client {
        let own = self.servers().unwrap_or_default();
        let servers = named.map_or_else(|| own.clone(), <[Server]>::to_vec);
        if servers == own && servers.len() == 1 {
            Client::new(servers)
        } else {
            Client::of_store(servers, &self.lease.store)
        }
    }

    /// The servers; every one is written with its port.
    fn servers(&self) -> Option<Vec<Server>> {
        Server::parse_list(&self.server, 1).ok()
    }
}

fn no_lease_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no lease file; name another one")
}
