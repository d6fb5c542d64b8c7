//! What is there for operators: who may pull levers, and what can be watched.
use std::fmt;
use std::path::PathBuf;

use crate::Name;

/// The longest path of a socket; with the NUL behind it, that is all the system has room for.
pub const MAX_SOCKET_BYTES: usize = 107;
/// The runs kept per pool when the file does not say `history`.
pub const DEFAULT_HISTORY_RUNS: usize = 100;
/// The most runs that `history` can keep per pool.
pub const MAX_HISTORY_RUNS: usize = 10_000;
/// The events kept when the file does not say `events`.
pub const DEFAULT_EVENT_BUFFER: usize = 1_000;
/// The most events that `events` can keep.
pub const MAX_EVENT_BUFFER: usize = 1_000_000;

/// Who may pull levers, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admin {
    /// Who may over TCP (`admin_keys`), no two with the same name or hash; empty: nobody.
    pub keys: Vec<AdminKey>,
    /// The local socket, on which no key is needed (`admin_socket`); `None`: there is none.
    pub socket: Option<PathBuf>,
}

/// An operator's key. The file knows only its hash, so that who can read the file has no key yet.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminKey {
    /// What its operator is called.
    pub name: Name,
    /// Its SHA-256.
    pub hash: [u8; Self::HASH_BYTES],
}

impl AdminKey {
    /// The length of a hash.
    pub const HASH_BYTES: usize = 32;
}

/// Only the name: a weak key can be guessed from its hash, and whatever is logged gets around.
impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What can be watched besides the state of the pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// The runs that are kept per pool; 0: none.
    pub history_runs: usize,
    /// The latest events of all pools that are kept for readers who come back; 0: there is no event stream.
    pub event_buffer: usize,
    /// Is `/metrics` served?
    pub metrics: bool,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { history_runs: DEFAULT_HISTORY_RUNS, event_buffer: DEFAULT_EVENT_BUFFER, metrics: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_of_a_key_is_its_name() {
        let key = AdminKey { name: Name::new("ann").unwrap(), hash: [7; AdminKey::HASH_BYTES] };

        assert_eq!(format!("{key:?}"), "AdminKey { name: \"ann\", .. }");
    }
}
