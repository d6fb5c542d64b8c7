//! Error of opening a state directory, with advice.

use std::path::Path;

use thiserror::Error;

use super::{file::FORMAT, shown};

/// A state directory cannot be used.
#[derive(Debug, Error)]
pub enum CannotOpen {
    /// Refused by the system.
    #[error(
        "cannot use the state directory {directory}: {why} (it must be a directory on a local disk with free \
         space, writable for this user)"
    )]
    Io {
        /// The directory.
        directory: String,
        /// The system's error.
        why: String,
    },
    /// Another server uses it.
    #[error("another server uses the state directory {directory}: stop it, or use another directory")]
    Locked {
        /// The directory.
        directory: String,
    },
    /// The file is damaged.
    #[error(
        "{file} is damaged, or not a state file of distributexd: {why}; restore a good copy, or move the file away \
         to start without leases (check first that nothing runs under one: its slot will be granted again)"
    )]
    Damaged {
        /// The file.
        file: String,
        /// The error.
        why: String,
    },
    /// The file was written by a later version.
    #[error(
        "{file} has format {format}, but this version supports only format {FORMAT}: start the version that wrote \
         it, or move the file away to start without leases (check first that nothing runs under one: its slot \
         will be granted again)"
    )]
    Later {
        /// The file.
        file: String,
        /// Its format.
        format: String,
    },
}

impl CannotOpen {
    pub(super) fn io(directory: &Path, why: impl ToString) -> Self {
        Self::Io { directory: shown(directory), why: why.to_string() }
    }

    pub(super) fn damaged(file: &Path, why: impl ToString) -> Self {
        Self::Damaged { file: shown(file), why: why.to_string() }
    }
}
