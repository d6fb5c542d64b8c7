//! What the server gets: every key with its value, defaults filled in, all of it within its limits.
use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Admin, Listen, Name, TelemetrySettings};

/// The port on which the server listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 9889;
/// How long a lease lives when its pool does not say `expire`.
pub const DEFAULT_EXPIRE: Duration = Duration::from_secs(1800);
/// The host of the memcached when `memcachehost` is left out.
pub const DEFAULT_MEMCACHE_HOST: &str = "localhost";
/// The port of the memcached when `memcacheport` is left out.
pub const DEFAULT_MEMCACHE_PORT: u16 = 11211;
/// The connections to each memcached when `memcacheconnections` is left out.
pub const DEFAULT_MEMCACHE_CONNECTIONS: u32 = 4;
/// How long an exchange with a memcached may take when `memcachetimeout` is left out.
pub const DEFAULT_MEMCACHE_TIMEOUT: Duration = Duration::from_secs(1);
/// What the names of entries begin with when `memcacheprefix` is left out.
pub const DEFAULT_MEMCACHE_PREFIX: &str = "distributex";
/// How often a pool with waiters looks for slots that another server freed when `memcachepoll` is left out.
pub const DEFAULT_MEMCACHE_POLL: Duration = Duration::from_millis(200);
/// How long requests stay parked while the memcached is away when `memcacheoutage` is left out.
pub const DEFAULT_MEMCACHE_OUTAGE: Duration = Duration::from_secs(60);
/// The most slots a pool can have in a memcached: all of them are read at once.
pub const MAX_MEMCACHE_SLOTS: u32 = 1_000;
/// The shortest `expire`: what is below it is a slip, or would be rounded to "never".
pub const MIN_EXPIRE: Duration = Duration::from_millis(1);
/// The longest `expire`, ten years: what is above it is a slip, or means "never".
pub const MAX_EXPIRE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// The most slots a pool can have.
pub const MAX_SLOTS: u32 = 1_000_000;
/// The longest line when a pool does not say `max_waiters`.
pub const DEFAULT_MAX_WAITERS: usize = 100_000;
/// The most waiters that `max_waiters` can allow.
pub const MAX_WAITERS: usize = 1_000_000;

/// How long one request may stay parked when the file does not say `longest_wait`.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(3600);
/// How long a place may wait for its asker when the file does not say `longest_patience`.
pub const DEFAULT_MAX_PATIENCE: Duration = Duration::from_secs(60);
/// The least that `longest_wait` and `longest_patience` can be: what is below it is a slip.
pub const MIN_TIME_LIMIT: Duration = Duration::from_secs(1);
/// The most that `longest_wait` and `longest_patience` can be: a day.
pub const MAX_TIME_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many absent queue entries of one host a pool keeps when the file does not say `limits.absent_per_host`.
pub const DEFAULT_ABSENT_PER_HOST: usize = 1_000;
/// The most that the keys of `limits` can allow.
pub const MAX_LIMIT: usize = 1_000_000;

/// The configuration of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where leases live.
    pub backend: Backend,
    /// The directory in which [`Backend::InMemory`] keeps them over restarts; `None`: nowhere.
    pub state_dir: Option<PathBuf>,
    /// What one request, one host and one address may want at most.
    pub limits: Limits,
    /// The addresses to listen on; empty if the file names none.
    pub listen: Vec<Listen>,
    /// Who may pull levers.
    pub admin: Admin,
    /// What can be watched.
    pub telemetry: TelemetrySettings,
    /// The pools in the order of the file: at least one, no two with the same name.
    pub pools: Vec<Pool>,
}

impl Config {
    /// Keys with another value in `new` that a running server cannot apply.
    #[must_use]
    pub fn need_restart(&self, new: &Self) -> Vec<&'static str> {
        // Destructured, so that a new field has to be thought about here.
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

/// What one request, one host and one address may want at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one request may stay parked; more is shortened. The classic protocol knows no such limit.
    pub max_wait: Duration,
    /// How long a place or a grant may wait for an asker whose request ended; more is shortened.
    pub max_patience: Duration,
    /// How many connections one address may have while the server runs short of them; `None`: a tenth of all.
    pub connections_per_address: Option<usize>,
    /// How many requests of one address may be parked while the server runs short of room for them; `None`: a tenth
    /// of all.
    pub waiters_per_address: Option<usize>,
    /// How many queue entries of one host a pool keeps whose requests have ended.
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

/// Where leases live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// In the memory of the server.
    InMemory,
    /// In one or more memcached, which several servers can share.
    Memcache(MemcacheSettings),
}

/// Which memcached keep the leases, and how they are talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemcacheSettings {
    /// Where they are, in the order of the file: at least one. The name of a pool decides which of them has it.
    pub servers: Vec<MemcacheServer>,
    /// The most connections to each of them.
    pub connections: u32,
    /// How long connecting, and one exchange with a memcached, may take.
    pub timeout: Duration,
    /// What the names of all entries begin with.
    pub prefix: String,
    /// How often a pool in which somebody waits looks whether another server freed a slot.
    pub poll: Duration,
    /// How long requests stay parked while the memcached is away.
    pub outage: Duration,
}

impl MemcacheSettings {
    /// Every key, and whether its value is another one in `new`.
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

/// Where a memcached is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemcacheServer {
    /// Its name or address; an IPv6 address without brackets.
    pub host: String,
    /// Its port.
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
            Self::Memcache(_) => Self::MEMCACHE,
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
    /// The longest line of waiters, those between two requests too.
    pub max_waiters: usize,
}
