//! Lease files: a lease stored between acquire and release.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::program::replace_file::{beside, create};
use distributex_client::{Client, LeaseRecord, Server};

/// Contents of a lease file, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeaseFile {
    /// The lease.
    #[serde(flatten)]
    pub(super) lease: LeaseRecord,
    /// The servers the lease was acquired from, separated by commas.
    server: String,
}

impl LeaseFile {
    /// Creates the contents for a lease of one of these servers.
    pub(super) fn new(lease: LeaseRecord, servers: &[Server]) -> Self {
        let server = servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        Self { lease, server }
    }

    /// Reads a lease file. `None` if it does not exist or is empty (as created by `mktemp`).
    ///
    /// # Errors
    /// When it cannot be read or is not a lease file. The error does not show its text, which may be a secret.
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

    /// Like [`LeaseFile::read`], and checks that the file can be written, before anything waits for a slot.
    pub(super) fn try_out(path: &Path) -> io::Result<Option<Self>> {
        let (old, beside) = (Self::read(path)?, beside(path));
        create(&beside)?;
        fs::remove_file(&beside)?;
        Ok(old)
    }

    /// Writes the file, readable by its owner only. It is replaced atomically.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let beside = beside(path);
        let written = create(&beside).and_then(|mut file| file.write_all(&text));
        let written = written.and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside); // it may not exist
        }
        written
    }

    /// A client of the lease's servers, or of `servers` if given.
    ///
    /// Only the lease's own store is accepted. But a single server with another store has been restarted without its
    /// memory: its answer, that the lease is lost, is right.
    pub(super) fn client(&self, named: Option<&[Server]>) -> Client {
        let own = self.servers().unwrap_or_default();
        let servers = named.map_or_else(|| own.clone(), <[Server]>::to_vec);
        if servers == own && servers.len() == 1 {
            Client::new(servers)
        } else {
            Client::of_store(servers, &self.lease.store)
        }
    }

    /// The servers, each with its port.
    fn servers(&self) -> Option<Vec<Server>> {
        Server::parse_list(&self.server, 1).ok()
    }
}

fn no_lease_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no lease file; name another one")
}
