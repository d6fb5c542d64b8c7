//! Who pulls a lever, and what proves that he may.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::{fs::Access, process::getuid};

use distributex_client::Key;

/// Where the server's unix socket usually is.
pub(super) const DEFAULT_SOCKET: &str = "/run/distributexd/admin.sock";

/// Where the key is.
#[derive(Debug, Clone)]
pub(super) enum KeySource {
    /// In a file.
    File(PathBuf),
    /// It is known.
    Known(Key),
}

impl KeySource {
    /// The key.
    ///
    /// # Errors
    /// When the file cannot be read, has no key in it, or can be read by others. The sentence says which file.
    pub(super) fn key(&self) -> Result<Key, String> {
        match self {
            Self::Known(key) => Ok(key.clone()),
            Self::File(path) => read(path).map_err(|why| format!("the key file {}: {why}", path.display())),
        }
    }
}

fn read(path: &Path) -> Result<Key, String> {
    let tell = |error: io::Error| error.to_string();
    let file = fs::File::open(path).map_err(tell)?;
    let metadata = file.metadata().map_err(tell)?;
    // As ssh does: a file of somebody else is his business, and how a service manager hands secrets over.
    if metadata.uid() == getuid().as_raw() && metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(format!("others can read it (mode {mode:04o}); chmod 600 it, and think of a new key"));
    }
    let text = io::read_to_string(file).map_err(tell)?;
    Key::read(&text).map_err(|error| error.to_string())
}

/// Whether we can talk to the usual socket.
pub(super) fn default_socket_is_open() -> bool {
    rustix::fs::access(DEFAULT_SOCKET, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// What the person is called who pulls a lever, if anything says so: not `root`, if somebody became that.
pub(super) fn author(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<String> {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(variable);
    names.filter_map(|name| name.into_string().ok()).find(|name| reason(name).is_ok())
}

/// A reason, or an author.
pub(super) fn reason(text: &str) -> Result<String, &'static str> {
    match text.len() {
        1..=255 => Ok(text.to_owned()),
        _ => Err("write 1 to 255 bytes"),
    }
}
