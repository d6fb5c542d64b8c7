//! The local lock: runs for one pool on one host do not overlap.
//!
//! It is a lock on an open file (flock): it ends with the last process that has the file open, however that
//! ends. The file itself stays.

use std::{
    env,
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rustix::process::geteuid;

use super::{WrapperOptions, WrapperOutcome};
use crate::program::console::Console;

/// Directory of root's locks, writable for root only.
const ROOT_DIRECTORY: &str = "/run/distributex";
/// Characters of a file name that are used unchanged.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
/// Maximum length; longer names end in a digest. A file name has at most 255 bytes.
const MAX_NAME_BYTES: usize = 200;

/// The lock. It is released when dropped, even if an ending guard still has the file open.
#[derive(Debug)]
pub(super) struct LocalLock(File);

impl LocalLock {
    /// The same open file for another process: the lock is released when all of them are closed.
    pub(super) fn share(&self) -> io::Result<File> {
        self.0.try_clone()
    }
}

impl Drop for LocalLock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Acquires the lock, if it is wanted.
pub(super) fn take(options: &WrapperOptions, console: Console) -> Result<Option<LocalLock>, WrapperOutcome> {
    if !options.lock {
        return Ok(None);
    }
    let unusable = |error| {
        console.error(format_args!("cannot use the local lock: {error} (--lock-file sets another file)"));
        WrapperOutcome::System
    };
    let path = options.lock_file.clone().map_or_else(|| usual_file(&options.pool), Ok).map_err(unusable)?;
    if let Some(lock) = try_lock(&path).map_err(|error| unusable(named(&path, error)))? {
        return Ok(Some(lock));
    }
    let pool = &options.pool;
    console.error(format_args!(
        "another run for {pool:?} is in progress on this host (it holds {})",
        path.display()
    ));
    Err(WrapperOutcome::NoSlot(options.conflict_status))
}

/// Acquires it; `None` if another process has it. The file's contents stay: the file may have been chosen by mistake.
fn try_lock(path: &Path) -> io::Result<Option<LocalLock>> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(LocalLock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The file for this pool, in a directory that only this user can write to: nobody else can replace it.
fn usual_file(pool: &str) -> io::Result<PathBuf> {
    let folder = usual_folder()?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| named(&folder, error))?;
    let found = fs::symlink_metadata(&folder).map_err(|error| named(&folder, error))?;
    let is_private = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0;
    if !is_private {
        let text = format!("{}: writable for other users", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(folder.join(file_name(pool)))
}

fn usual_folder() -> io::Result<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if geteuid().is_root() {
        return Ok(ROOT_DIRECTORY.into());
    }
    if let Some(runtime) = absolute("XDG_RUNTIME_DIR") {
        return Ok(runtime.join("distributex"));
    }
    // A home directory may be shared by several hosts; the lock is for this one.
    let host = hostname::get().unwrap_or_default();
    let home = absolute("HOME").map(|home| home.join(".local/state/distributex").join(host));
    home.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "neither XDG_RUNTIME_DIR nor HOME is set"))
}

/// A file name that names the pool, and is safe for any pool name.
fn file_name(pool: &str) -> String {
    let mut name = percent_encode(pool.as_bytes(), PLAIN).to_string();
    if name.len() > MAX_NAME_BYTES {
        let digest = digest(pool.as_bytes());
        name.truncate(MAX_NAME_BYTES);
        name.push_str(&format!("-{digest:016x}"));
    }
    name + ".lock"
}

/// FNV-1a. Two names with one digest would only exclude each other.
fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_stays_in_its_folder() {
        assert_eq!(file_name("pool-1_a"), "pool-1_a.lock");
        assert_eq!(file_name("../../etc/passwd"), "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd.lock");
    }

    #[test]
    fn a_long_name_is_shortened_and_stays_its_own() {
        let (one, other) = (format!("{}1", "ü".repeat(120)), format!("{}2", "ü".repeat(120)));

        assert!(file_name(&one).len() <= 255);
        assert_ne!(file_name(&one), file_name(&other));
    }
}
