//! The state directory itself. It is opened once: if its path is changed, the server continues in the same directory.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use log::warn;
use rustix::{
    fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat},
    io::Errno,
};

/// A directory that is followed when it is moved.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    opened: File,
}

impl Directory {
    /// Opens the directory at this path.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_path_buf(), opened: File::open(path)? })
    }

    /// Path it was opened with.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates an empty file, replacing one of this name, readable for the owner only: it will contain secrets.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.remove(name)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(openat(&self.opened, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Removes a file if it exists.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.opened, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }

    /// Renames a file durably.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        renameat(&self.opened, from, &self.opened, to)?;
        self.opened.sync_all()?;
        if !self.is_in_place() {
            let hint =
                "the server continues in the directory that it opened; put it back before the next start";
            warn!(path:% = self.path.display(), hint; "state_directory_moved");
        }
        Ok(())
    }

    /// The error, with the reason if the directory was moved or removed.
    pub(super) fn explain(&self, why: redb::Error) -> redb::Error {
        if self.is_in_place() {
            return why;
        }
        io::Error::other(format!("the directory was moved or removed ({why})")).into()
    }

    fn is_in_place(&self) -> bool {
        let same = |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
        let (now, opened) = (self.path.metadata(), self.opened.metadata());
        now.is_ok_and(|now| opened.is_ok_and(|opened| same(&now, &opened)))
    }
}
