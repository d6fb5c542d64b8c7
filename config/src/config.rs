//! What the server gets: every key with its value, defaults filled in, all of it within its limits.
use std::collections::HashSet;
use std::time::Duration;

use crate::{Listen, Name};

/// The port on which the server listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 9889;
/// How long a lease lives when its pool does not say `expire`.
pub const DEFAULT_EXPIRE: Duration = Duration::from_secs(1800);
/// The host of the memcached when `memcachehost` is left out.
pub const DEFAULT_MEMCACHE_HOST: &str = "localhost";
/// The port of the memcached when `memcacheport` is left out.
pub const DEFAULT_MEMCACHE_PORT: u16 = 11211;
/// The shortest `expire`: what is below it is a slip, or would be rounded to "never".
pub const SHORTEST_EXPIRE: Duration = Duration::from_millis(1);
/// The longest `expire`, ten years: what is above it is a slip, or means "never".
pub const LONGEST_EXPIRE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// The most slots a pool can have.
pub const MOST_SLOTS: u32 = 1_000_000;
/// The most waiters that `max_waiters` can allow.
pub const MOST_WAITERS: usize = 1_000_000;

/// The configuration of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where leases live.
    pub backend: Backend,
    /// The addresses to listen on; empty if the file names none.
    pub listen: Vec<Listen>,
    /// The pools in the order of the file: at least one, no two with the same name.
    pub pools: Vec<Pool>,
}

/// Where leases live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// In the memory of the server.
    InMemory,
    /// In a memcached.
    Memcache {
        /// Its name or address; an IPv6 address without brackets.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl Backend {
    /// The word for [`Backend::InMemory`] in the file, and the default.
    pub const IN_MEMORY: &str = "inmemory";
    /// The word for [`Backend::Memcache`] in the file.
    pub const MEMCACHE: &str = "memcache";
    /// All words for a backend.
    pub const WORDS: [&str; 2] = [Self::IN_MEMORY, Self::MEMCACHE];

    /// The word for this backend in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::InMemory => Self::IN_MEMORY,
            Self::Memcache { .. } => Self::MEMCACHE,
        }
    }
}

/// A pool: the slots that hosts ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// What the pool is called.
    pub name: Name,
    /// How long a lease lives without renewal; `None`: for ever.
    pub expire: Option<Duration>,
    /// How many leases there can be at once (`maxlocks`).
    pub slots: u32,
    /// The only hosts that may ask; `None`: every host.
    pub servers: Option<HashSet<Name>>,
    /// The longest line of waiters; `None`: as long as the server allows for all pools.
    pub max_waiters: Option<usize>,
}
