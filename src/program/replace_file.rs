//! Atomic replacement of files: a reader sees the old text or the new one, never a part.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
    process,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    io::Errno,
    process::umask,
};

/// Maximum number of symlinks followed, as in the kernel.
const MAX_LINKS: usize = 40;
/// Time for the reader of a FIFO to make room.
const READER_TIMEOUT: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// Writes `text` to `path`.
///
/// - A regular file is replaced in one step. It keeps its mode; a new one gets what the umask leaves of 0666.
/// - A symlink stays, and the file it leads to is replaced.
/// - A device, a FIFO, or a descriptor under `/proc` (`/dev/stdout` leads there) is opened and appended to.
///
/// # Errors
/// Those of the system; also when a FIFO has no reader, or its reader makes no room within two seconds.
pub(crate) fn replace_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let Some(file) = regular_file(path)? else { return append(path, text) };
    let beside = beside(&file);
    let written = create(&beside).and_then(|mut new| {
        new.write_all(text)?;
        adopt(&new, &file)?;
        fs::rename(&beside, &file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside); // it may not exist
    }
    written
}

/// The name under which a file is written before it is complete.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", process::id()));
    name.into()
}

/// Creates a file that only its owner can read. An existing one is left over from a run that was killed: no
/// other process writes to a file of this name. A symlink put there meanwhile is an error, and not followed.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let _ = fs::remove_file(path);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The regular file at `path`, existing or not; `None` if something else is there.
///
/// The kernel is asked first whether it would follow the name: it does not follow another user's symlink in /tmp.
fn regular_file(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Ok(None),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if fs::canonicalize(folder)?.starts_with("/proc") {
            return Ok(None);
        }
        let Ok(target) = fs::read_link(&path) else { return Ok(Some(path)) };
        path = folder.join(target);
    }
    Err(Errno::LOOP.into())
}

/// Gives a new file the mode and the owner of the one it replaces, as far as the system allows.
fn adopt(new: &File, old: &Path) -> io::Result<()> {
    let mode = match fs::metadata(old) {
        Ok(old) => {
            let _ = fchown(new, Some(old.uid()), Some(old.gid()));
            old.mode() & 0o777
        }
        Err(_) => 0o666 & !current_umask(),
    };
    new.set_permissions(Permissions::from_mode(mode))
}

/// The umask. It can only be read by setting it.
fn current_umask() -> u32 {
    let mask = umask(Mode::empty());
    umask(mask);
    mask.bits()
}

/// Appends to something other than a regular file, without waiting for a reader that may never come.
fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let opened = OpenOptions::new().append(true).custom_flags(flags).open(path);
    let mut file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => io::Error::other("a FIFO or socket without a reader"),
        Some(_) | None => error,
    })?;
    let mut rest = text;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(&file)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_for_room(file: &File) -> io::Result<()> {
    match poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&READER_TIMEOUT)) {
        Ok(0) => Err(io::Error::new(ErrorKind::TimedOut, "its reader does not read")),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
