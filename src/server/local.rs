//! The local socket: a file on which everything is served that TCP serves, and levers need no key. Who may open it is
//! the file system's business: nobody but its user may.

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

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The local socket cannot be opened.
#[derive(Debug, Error)]
#[error("failed to open the local socket {} (admin_socket in the configuration): {why}", path.display())]
pub struct CannotOpenSocket {
    path: PathBuf,
    why: SocketError,
}

#[derive(Debug, Error)]
enum SocketError {
    #[error("somebody answers on it: another server runs, which has to be stopped, or to use another path")]
    Busy,
    #[error("this file is no socket, and is left alone; choose another path")]
    Other,
    #[error("{error}{}", hint(error))]
    Refused {
        #[from]
        error: io::Error,
    },
}

/// What can be done about it, where that is known.
const HINTS: [(io::ErrorKind, &str); 4] = [
    (io::ErrorKind::NotFound, " (the directory is missing; make it, or choose another path)"),
    (io::ErrorKind::NotADirectory, " (a part of the path is no directory; choose another path)"),
    (io::ErrorKind::PermissionDenied, " (this user may not do that there; change the rights, or the path)"),
    (io::ErrorKind::ReadOnlyFilesystem, " (nothing can be written there; choose another path)"),
];

fn hint(error: &io::Error) -> &'static str {
    HINTS.iter().find(|(kind, _)| *kind == error.kind()).map_or("", |(_, way_out)| way_out)
}

/// The file of a local socket that this process listens on; removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Which file it is: another server may have put its own in this place.
    id: Option<(u64, u64)>,
}

/// Listens on a local socket with this path. One that a server left there which is not running any more is replaced.
///
/// # Errors
/// When somebody answers there, when it is another kind of file, and when the system refuses it.
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
    // The file gets the mode of the socket when it is made, less the umask: there is no moment with a wider one.
    fchmod(&socket, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?;
    socket.bind(&addr)?;
    let file = SocketFile { path: path.to_owned(), id: found(path)?.as_ref().map(id) };
    socket.listen(BACKLOG)?;
    Ok((UnixListener::from(OwnedFd::from(socket)), file))
}

/// What is there, if anything is; a link is what is there, and not where it leads.
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

/// Whether a process listens on this socket, also one that has no time for us now.
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
