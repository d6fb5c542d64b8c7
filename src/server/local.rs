//! The admin socket: serves everything that TCP serves, and admin actions without a key. Access is controlled
//! by its file mode: only the server's user may open it.

use std::{
    fs::{self, Metadata},
    io,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
};

use log::warn;
use rustix::fs::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket, Type};
use thiserror::Error;

/// Backlog.
const BACKLOG: i32 = 1024;

/// Error of opening the admin socket.
#[derive(Debug, Error)]
#[error("failed to open the admin socket {} (admin_socket in the configuration): {why}", path.display())]
pub struct CannotOpenSocket {
    path: PathBuf,
    why: SocketError,
}

#[derive(Debug, Error)]
enum SocketError {
    #[error("another server is listening on it; stop it, or use another path")]
    Busy,
    #[error("the file is not a socket; use another path")]
    Other,
    #[error("{error}{}", hint(error))]
    Refused {
        #[from]
        error: io::Error,
    },
}

/// Advice, if the cause is known.
const HINTS: [(io::ErrorKind, &str); 4] = [
    (io::ErrorKind::NotFound, " (the directory is missing; create it, or use another path)"),
    (io::ErrorKind::NotADirectory, " (a part of the path is not a directory; use another path)"),
    (io::ErrorKind::PermissionDenied, " (this user has no permission; change the permissions, or the path)"),
    (io::ErrorKind::ReadOnlyFilesystem, " (the file system is read-only; use another path)"),
];

fn hint(error: &io::Error) -> &'static str {
    HINTS.iter().find(|(kind, _)| *kind == error.kind()).map_or("", |(_, way_out)| way_out)
}

/// The file of the admin socket; deleted when dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode of the file: another server may have replaced it.
    id: Option<(u64, u64)>,
}

/// Listens on a socket at this path. A file left by a server that no longer runs is replaced.
///
/// # Errors
/// When a process listens there, when it is another kind of file, and those of the system.
pub fn open(path: &Path) -> Result<(UnixListener, SocketFile), CannotOpenSocket> {
    listen(path).map_err(|why| CannotOpenSocket { path: path.to_owned(), why })
}

fn listen(path: &Path) -> Result<(UnixListener, SocketFile), SocketError> {
    let addr = SockAddr::unix(path)?;
    if let Some(found) = found(path)? {
        if !found.file_type().is_socket() {
            return Err(SocketError::Other);
        }
        if answers(&addr)? {
            return Err(SocketError::Busy);
        }
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // The file gets the mode of the socket when it is created, less the umask: its mode is never wider.
    fchmod(&socket, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?;
    socket.bind(&addr)?;
    let file = SocketFile { path: path.to_owned(), id: found(path)?.as_ref().map(id) };
    socket.listen(BACKLOG)?;
    Ok((UnixListener::from(OwnedFd::from(socket)), file))
}

/// The file at this path, if there is one; symlinks are not followed.
fn found(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Whether a process listens on this socket, even if it is too busy to accept.
fn answers(addr: &SockAddr) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(addr) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        Ok(()) | Err(_) => Ok(true),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = found(&self.path).is_ok_and(|found| found.as_ref().map(id) == self.id);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            warn!(path:% = self.path.display(), error:%; "admin_socket_not_removed");
        }
    }
}
