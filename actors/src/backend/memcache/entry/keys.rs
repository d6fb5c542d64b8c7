//! Keys of a pool in memcached, and the choice of its memcached.

use std::fmt::Write;

use distributex_config::Name;
use sha2::{Digest, Sha256};

/// Longest pool name that is used unhashed; memcached allows 250 bytes for a whole key.
const MAX_KEY_BYTES: usize = 100;

/// Keys of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyNames {
    /// Key of the store's id and token base, shared by all pools of the memcached.
    pub(crate) store: String,
    /// Key of the probe, written to learn memcached's current CAS number.
    pub(crate) probe: String,
    /// Key of the number of slots to read.
    pub(crate) width: String,
    /// Key of the pause.
    pub(crate) paused: String,
    /// Key of the hints of waiters.
    pub(crate) waiting: String,
    /// Prefix of the slots' keys.
    slots: String,
}

impl KeyNames {
    /// Keys of a pool. A name that is too long, or has characters that a key cannot have, is hashed.
    pub(crate) fn new(prefix: &str, pool: &Name) -> Self {
        let pool = if fits(pool.as_str()) { pool.to_string() } else { format!("={}", hex(&hash(pool))) };
        Self {
            store: format!("{prefix}:store"),
            probe: format!("{prefix}:probe"),
            width: format!("{prefix}:{pool}:width"),
            paused: format!("{prefix}:{pool}:paused"),
            waiting: format!("{prefix}:{pool}:waiting"),
            slots: format!("{prefix}:{pool}:"),
        }
    }

    /// Key of the slot with this index.
    pub(crate) fn slot(&self, index: usize) -> String {
        format!("{}{index}", self.slots)
    }
}

/// Index of the memcached that has a pool; the same on every server.
///
/// # Panics
/// When there are none.
pub(crate) fn shard_of(pool: &Name, shards: usize) -> usize {
    let mut first = [0; 8];
    first.copy_from_slice(&hash(pool)[..8]);
    let shard = u64::from_be_bytes(first) % u64::try_from(shards).expect("a count of servers fits");
    usize::try_from(shard).expect("is below a usize")
}

/// Whether a key may contain the name unhashed.
fn fits(name: &str) -> bool {
    name.len() <= MAX_KEY_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn hash(pool: &Name) -> [u8; 32] {
    Sha256::digest(pool.as_str()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_plain_name_is_part_of_its_keys() {
        let keys = KeyNames::new("distributex", &name("web-1.acme_com"));

        assert_eq!(keys.store, "distributex:store");
        assert_eq!(keys.width, "distributex:web-1.acme_com:width");
        assert_eq!(keys.paused, "distributex:web-1.acme_com:paused");
        assert_eq!(keys.waiting, "distributex:web-1.acme_com:waiting");
        assert_eq!(keys.slot(12), "distributex:web-1.acme_com:12");
    }

    #[test]
    fn a_name_that_does_not_fit_is_hashed() {
        for odd in ["two words", "ünique", "a:b", "=", &"x".repeat(101)] {
            let keys = KeyNames::new("distributex", &name(odd));

            let key = keys.slot(0);
            assert_eq!(key.len(), "distributex:=:0".len() + 64, "{odd}");
            assert!(key.bytes().all(|byte| byte.is_ascii_graphic()), "{odd}");
        }
        let hashed = "p:=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:0";
        assert_eq!(format!("p:={}:0", hex(&hash(&name("abc")))), hashed);
    }

    #[test]
    fn pools_are_spread_over_all_memcached() {
        let mut pools = [0; 3];
        for index in 0..300 {
            let pool = name(&format!("pool{index}"));
            assert_eq!(shard_of(&pool, 3), shard_of(&pool, 3));
            pools[shard_of(&pool, 3)] += 1;
        }

        assert!(pools.iter().all(|pools| *pools > 60), "{pools:?}");
        assert_eq!(shard_of(&name("abc"), 3), 0);
    }
}
