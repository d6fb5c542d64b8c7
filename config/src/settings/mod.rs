//! A valid configuration: every key with its value, defaults included.
mod admin;
mod duration;
pub(crate) mod host;
mod listen;
mod name;
mod telemetry;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use admin::{Admin, AdminKey, MAX_SOCKET_BYTES};
pub use duration::parse_duration;
pub use listen::{BadListen, Listen};
pub use name::{BadName, Name};
pub use telemetry::{
    DEFAULT_EVENT_BUFFER, DEFAULT_HISTORY_RUNS, MAX_EVENT_BUFFER, MAX_HISTORY_RUNS, TelemetrySettings,
};

/// Default port of the server.
pub const DEFAULT_PORT: u16 = 9889;
/// Default lifetime of a lease (`expire`).
pub const DEFAULT_EXPIRE: Duration = Duration::from_secs(1800);
/// Default of `memcachehost`.
pub const DEFAULT_MEMCACHE_HOST: &str = "localhost";
/// Default of `memcacheport`.
pub const DEFAULT_MEMCACHE_PORT: u16 = 11211;
/// Default of `memcache.connections`.
pub const DEFAULT_MEMCACHE_CONNECTIONS: u32 = 4;
/// Default of `memcache.timeout`.
pub const DEFAULT_MEMCACHE_TIMEOUT: Duration = Duration::from_secs(1);
/// Default of `memcache.prefix`.
pub const DEFAULT_MEMCACHE_PREFIX: &str = "distributex";
/// Default of `memcache.poll`.
pub const DEFAULT_MEMCACHE_POLL: Duration = Duration::from_millis(200);
/// Default of `memcache.outage`.
pub const DEFAULT_MEMCACHE_OUTAGE: Duration = Duration::from_secs(60);
/// Largest `maxlocks` of a pool in memcached, which reads all slots at once.
pub const MAX_MEMCACHE_SLOTS: u32 = 1_000;
/// Shortest `expire`. Anything shorter is a mistake, or would be rounded to 0, which means "never".
pub const MIN_EXPIRE: Duration = Duration::from_millis(1);
/// Longest `expire`: ten years. Anything longer is a mistake, or should be "never".
pub const MAX_EXPIRE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// Largest `maxlocks`.
pub const MAX_SLOTS: u32 = 1_000_000;
/// Default of `max_waiters`.
pub const DEFAULT_MAX_WAITERS: usize = 100_000;
/// Largest `max_waiters`.
pub const MAX_WAITERS: usize = 1_000_000;

/// Default of `max_wait`.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(3600);
/// Default of `max_patience`.
pub const DEFAULT_MAX_PATIENCE: Duration = Duration::from_secs(60);
/// Shortest `max_wait` and `max_patience`.
pub const MIN_TIME_LIMIT: Duration = Duration::from_secs(1);
/// Longest `max_wait` and `max_patience`: one day.
pub const MAX_TIME_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Default of `limits.absent_per_host`.
pub const DEFAULT_ABSENT_PER_HOST: usize = 1_000;
/// Largest value of a key of `limits`.
pub const MAX_LIMIT: usize = 1_000_000;

/// The configuration of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The store of the leases.
    pub backend: Backend,
    /// Directory in which [`Backend::InMemory`] keeps its leases across restarts; `None`: they end with the server.
    pub state_dir: Option<PathBuf>,
    /// Limits per request, host and address.
    pub limits: Limits,
    /// Addresses to listen on; empty if the file has none.
    pub listen: Vec<Listen>,
    /// Access to admin actions.
    pub admin: Admin,
    /// History, events and metrics.
    pub telemetry: TelemetrySettings,
    /// The pools in the order of the file: at least one, with unique names.
    pub pools: Vec<Pool>,
}

impl Config {
    /// Keys whose values differ in `new` and cannot be applied by a running server.
    #[must_use]
    pub fn need_restart(&self, new: &Self) -> Vec<&'static str> {
        // Destructured, so that a new field cannot be forgotten here.
        let Self { backend, state_dir, limits: _, listen, admin, telemetry, pools: _ } = self;
        let Admin { keys: _, socket } = admin;
        let TelemetrySettings { history_runs, event_buffer, metrics } = telemetry;
        let mut keys = vec![
            ("backend", backend.word() != new.backend.word()),
            ("listen", *listen != new.listen),
            ("state_dir", *state_dir != new.state_dir),
            ("admin_socket", *socket != new.admin.socket),
            ("history_runs", *history_runs != new.telemetry.history_runs),
            ("event_buffer", *event_buffer != new.telemetry.event_buffer),
            ("metrics", *metrics != new.telemetry.metrics),
        ];
        if let (Backend::Memcache(old), Backend::Memcache(new)) = (backend, &new.backend) {
            keys.extend(old.changes(new));
        }
        keys.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }
}

/// Limits per request, host and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time a request stays parked; longer waits are shortened. Classic requests have no limit.
    pub max_wait: Duration,
    /// Longest patience; longer ones are shortened.
    pub max_patience: Duration,
    /// Most connections of one address while the server is short of connections; `None`: a tenth of all.
    pub connections_per_address: Option<usize>,
    /// Most parked requests of one address while the server is short of room for them; `None`: a tenth of all.
    pub waiters_per_address: Option<usize>,
    /// Most absent queue entries of one host in a pool.
    pub absent_per_host: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_wait: DEFAULT_MAX_WAIT,
            max_patience: DEFAULT_MAX_PATIENCE,
            connections_per_address: None,
            waiters_per_address: None,
            absent_per_host: DEFAULT_ABSENT_PER_HOST,
        }
    }
}

/// The store of the leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// The server's memory.
    InMemory,
    /// One or more memcached, shared by any number of servers.
    Memcache(MemcacheSettings),
}

/// Servers and timing of the memcache backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemcacheSettings {
    /// At least one, in the order of the file. A pool's name determines its memcached.
    pub servers: Vec<MemcacheServer>,
    /// Most connections to each memcached.
    pub connections: u32,
    /// Timeout of a connection attempt and of one exchange.
    pub timeout: Duration,
    /// Prefix of all memcached keys.
    pub prefix: String,
    /// How often a pool with waiters reads memcached for slots that other servers freed.
    pub poll: Duration,
    /// How long requests stay parked while memcached is unreachable.
    pub outage: Duration,
}

impl MemcacheSettings {
    /// Every key, with `true` if its value differs in `new`.
    fn changes(&self, new: &Self) -> [(&'static str, bool); 6] {
        let Self { servers, connections, timeout, prefix, poll, outage } = self;
        [
            ("memcachehost, memcacheport or memcache.servers", *servers != new.servers),
            ("memcache.connections", *connections != new.connections),
            ("memcache.timeout", *timeout != new.timeout),
            ("memcache.prefix", *prefix != new.prefix),
            ("memcache.poll", *poll != new.poll),
            ("memcache.outage", *outage != new.outage),
        ]
    }
}

impl Default for MemcacheSettings {
    fn default() -> Self {
        Self {
            servers: vec![MemcacheServer::default()],
            connections: DEFAULT_MEMCACHE_CONNECTIONS,
            timeout: DEFAULT_MEMCACHE_TIMEOUT,
            prefix: DEFAULT_MEMCACHE_PREFIX.to_owned(),
            poll: DEFAULT_MEMCACHE_POLL,
            outage: DEFAULT_MEMCACHE_OUTAGE,
        }
    }
}

/// Address of a memcached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemcacheServer {
    /// Host name or address; an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Default for MemcacheServer {
    fn default() -> Self {
        Self { host: DEFAULT_MEMCACHE_HOST.to_owned(), port: DEFAULT_MEMCACHE_PORT }
    }
}

impl fmt::Display for MemcacheServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl Backend {
    /// Word for [`Backend::InMemory`] in the file; the default.
    pub const IN_MEMORY: &str = "inmemory";
    /// Word for [`Backend::Memcache`] in the file.
    pub const MEMCACHE: &str = "memcache";
    /// All words for a backend.
    pub const WORDS: [&str; 2] = [Self::IN_MEMORY, Self::MEMCACHE];

    /// Word for this backend in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::InMemory => Self::IN_MEMORY,
            Self::Memcache(_) => Self::MEMCACHE,
        }
    }
}

/// A pool's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Name; unique.
    pub name: Name,
    /// Lifetime of a lease without renewal; `None`: unlimited.
    pub expire: Option<Duration>,
    /// Most leases at once (`maxlocks`).
    pub slots: u32,
    /// Hosts that may use the pool; `None`: every host.
    pub servers: Option<HashSet<Name>>,
    /// Most queue entries, absent ones included.
    pub max_waiters: usize,
}
