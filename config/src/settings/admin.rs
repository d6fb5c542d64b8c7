//! Access to admin actions.
use std::fmt;
use std::path::PathBuf;

use crate::settings::Name;

/// Maximum length of a socket's path in bytes; the system's limit without the final NUL.
pub const MAX_SOCKET_BYTES: usize = 107;

/// Access to admin actions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admin {
    /// Operators' keys for access over TCP (`admin_keys`), with unique names and hashes; empty: no access.
    pub keys: Vec<AdminKey>,
    /// Path of the local socket, which needs no key (`admin_socket`); `None`: no socket.
    pub socket: Option<PathBuf>,
}

/// An operator's key. The file contains only its hash, so that reading the file gives no access.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminKey {
    /// Name of the operator.
    pub name: Name,
    /// SHA-256 of the key.
    pub hash: [u8; Self::HASH_BYTES],
}

impl AdminKey {
    /// Length of a hash in bytes.
    pub const HASH_BYTES: usize = 32;
}

/// Shows only the name: a weak key can be guessed from its hash.
impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminKey").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_of_a_key_shows_only_its_name() {
        let key = AdminKey { name: Name::new("ann").unwrap(), hash: [7; AdminKey::HASH_BYTES] };

        assert_eq!(format!("{key:?}"), "AdminKey { name: \"ann\", .. }");
    }
}
