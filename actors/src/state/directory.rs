//! The state directory itself. It is opened once: whatever becomes of its path, a server goes on in its own.

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

/// A directory that stays the same one when it is moved.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    opened: File,
}

impl Directory {
    /// The directory at this path.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_path_buf(), opened: File::open(path)? })
    }

    /// Where it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A new, empty file in the place of one of this name, for the owner alone: secrets will be in it.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.remove(name)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(openat(&self.opened, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Removes a file, if there is one of this name.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.opened, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }

    /// Gives a file another name; when it returns, that is on the disk.
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

    /// The same error, and what became of the directory if that is the reason.
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
