//! Author and key of admin actions.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::{fs::Access, process::getuid};

use distributex_client::Key;

/// Default path of the server's admin socket.
pub(super) const DEFAULT_SOCKET: &str = "/run/distributexd/admin.sock";

/// Source of the operator's key.
#[derive(Debug, Clone)]
pub(super) enum KeySource {
    /// A file.
    File(PathBuf),
    /// An environment variable, already read.
    Known(Key),
}

impl KeySource {
    /// Reads the key.
    ///
    /// # Errors
    /// When the file cannot be read, contains no key, or can be read by others. The sentence names the file.
    pub(super) fn key(&self) -> Result<Key, String> {
        match self {
            Self::Known(key) => Ok(key.clone()),
            Self::File(path) => read(path).map_err(|why| format!("key file {}: {why}", path.display())),
        }
    }
}

fn read(path: &Path) -> Result<Key, String> {
    let tell = |error: io::Error| error.to_string();
    let file = fs::File::open(path).map_err(tell)?;
    let metadata = file.metadata().map_err(tell)?;
    // Like ssh, checks only the user's own files: service managers pass secrets in files of other users.
    if metadata.uid() == getuid().as_raw() && metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(format!("readable by others (mode {mode:04o}): chmod 600 it and generate a new key"));
    }
    let text = io::read_to_string(file).map_err(tell)?;
    Key::read(&text).map_err(|error| error.to_string())
}

/// Whether this user may connect to the default socket.
pub(super) fn default_socket_is_open() -> bool {
    rustix::fs::access(DEFAULT_SOCKET, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// The operator's login name, if known; with sudo, the name of the user that called it.
pub(super) fn author(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<String> {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(variable);
    names.filter_map(|name| name.into_string().ok()).find(|name| reason(name).is_ok())
}

/// Parses a reason or an author.
pub(super) fn reason(text: &str) -> Result<String, &'static str> {
    match text.len() {
        1..=255 => Ok(text.to_owned()),
        _ => Err("must be 1 to 255 bytes"),
    }
}
