//! Connections to one memcached.
//!
//! One exchange is one batch: all commands are sent in one write, and all replies share one deadline. After a failed
//! exchange the next reply would belong to an earlier command, so that connection is closed.

use std::{
    fmt,
    io::{self, ErrorKind},
    net::TcpStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use distributex_config::MemcacheServer;
use r2d2_memcache::r2d2::{self, ManageConnection, NopErrorHandler, PooledConnection};
use tokio::time::Instant;

use super::{
    address::Addresses,
    clock::MemcacheTime,
    protocol::{MemcacheCommand, MemcacheConnection, MemcacheReply},
    stats::{self, Stats},
};
use crate::telemetry::backend_calls::BackendCalls;

/// Error of a memcached, as a sentence for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemcacheError {
    /// It cannot be reached, or does not reply.
    Unreachable(String),
    /// It replies, but the request cannot be carried out.
    Refused(String),
}

impl MemcacheError {
    /// Whether it cannot be reached, or does not reply.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// The sentence.
    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Unreachable(why) | Self::Refused(why) => why,
        }
    }
}

/// A failed exchange. Its commands may have been carried out.
#[derive(Debug)]
pub(crate) struct ExchangeFailure {
    /// The error.
    pub(crate) error: MemcacheError,
    /// Whether another connection may succeed.
    pub(crate) retry: bool,
}

/// A connection of the pool.
pub(crate) struct PooledLink {
    connection: MemcacheConnection,
    /// Random id of the store last read through this connection. CAS numbers read with it are those of the process at
    /// its other end.
    pub(crate) store: Option<Arc<str>>,
    /// Number of broken connections when this one was made.
    age: u64,
    /// Whether an exchange failed.
    broken: bool,
}

/// Connections to one memcached; a clone shares them.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPool {
    pool: r2d2::Pool<Connector>,
    pub(super) connector: Connector,
    /// Counters of exchanges.
    calls: BackendCalls,
}

/// Opens connections.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    server: MemcacheServer,
    addresses: Addresses,
    timeout: Duration,
    /// Number of broken connections so far. When one breaks, all older ones probably have.
    broken: Arc<AtomicU64>,
    /// Clock of the process at the other end; `None` before it was read.
    time: Arc<Mutex<Option<MemcacheTime>>>,
}

impl ConnectionPool {
    /// A pool of at most `max_size` connections, none of them open yet. Connecting and each exchange take at most
    /// `timeout`.
    pub(crate) fn new(server: MemcacheServer, max_size: u32, timeout: Duration, calls: BackendCalls) -> Self {
        let addresses = Addresses::of(server.clone());
        let connector =
            Connector { server, addresses, timeout, broken: Arc::default(), time: Arc::default() };
        let pool = r2d2::Pool::builder()
            .max_size(max_size)
            .min_idle(Some(0))
            .max_lifetime(None)
            .idle_timeout(None)
            .connection_timeout(timeout)
            .test_on_check_out(true) // checks the age only
            .error_handler(Box::new(NopErrorHandler)) // the circuit breaker logs it, once
            .build_unchecked(connector.clone());
        Self { pool, connector, calls }
    }

    /// Takes an idle connection, or opens one.
    pub(crate) fn take(&self) -> Result<PooledConnection<Connector>, MemcacheError> {
        if let Some(link) = self.pool.try_get() {
            return Ok(link);
        }
        let link = self.connector.stream().map_err(|error| self.away(&error)); // fails at once with the reason
        let link = link.and_then(|_| {
            self.pool
                .get()
                .map_err(|error| MemcacheError::Unreachable(format!("memcached {}: {error}", self.server())))
        });
        link.inspect_err(|_| self.calls.count(false))
    }

    /// Reads statistics, through a connection of its own.
    pub(crate) fn stats(&self, command: &str) -> Result<Stats, MemcacheError> {
        let stats =
            self.connector.stream().and_then(|stream| stats::query(&stream, command, self.connector.timeout));
        stats.map_err(|error| {
            let is_answered = error.kind() == ErrorKind::InvalidData;
            if is_answered { self.refused(&error) } else { self.away(&error) }
        })
    }

    /// Address of the memcached.
    pub(crate) fn server(&self) -> &MemcacheServer {
        &self.connector.server
    }

    /// An error of this memcached.
    pub(crate) fn refused(&self, why: impl fmt::Display) -> MemcacheError {
        MemcacheError::Refused(format!("memcached {} {why}", self.server()))
    }

    /// A failure that no other connection overcomes.
    pub(crate) fn failed(&self, why: impl fmt::Display) -> ExchangeFailure {
        ExchangeFailure { error: self.refused(why), retry: false }
    }

    fn away(&self, error: &io::Error) -> MemcacheError {
        MemcacheError::Unreachable(format!("memcached {}: {}", self.server(), reason(error)))
    }

    /// Sends all commands at once and reads their replies.
    ///
    /// # Errors
    /// When a reply is missing or invalid: the connection is unusable.
    pub(crate) fn exchange(
        &self,
        link: &mut PooledLink,
        commands: &[MemcacheCommand],
    ) -> Result<Vec<MemcacheReply>, ExchangeFailure> {
        let answers = link.connection.exchange(commands);
        self.calls.count(answers.is_ok());
        answers.map_err(|error| {
            link.broken = true;
            link.connection.abort();
            self.failure(link.age, &error)
        })
    }

    fn failure(&self, age: u64, error: &io::Error) -> ExchangeFailure {
        if error.kind() == ErrorKind::InvalidData {
            return ExchangeFailure { error: self.refused(error), retry: true };
        }
        let retry = error.kind() != ErrorKind::TimedOut;
        if retry {
            let broken = &self.connector.broken;
            let _ = broken.compare_exchange(age, age + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        ExchangeFailure { error: self.away(error), retry }
    }
}

impl Connector {
    pub(super) fn time(&self) -> MutexGuard<'_, Option<MemcacheTime>> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection to the first address that accepts it. A name service that does not answer takes at most half
    /// the timeout.
    fn stream(&self) -> io::Result<TcpStream> {
        let deadline = Instant::now() + self.timeout;
        let mut failure = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in self.addresses.get(self.timeout / 2)? {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => return stream.set_nodelay(true).map(|()| stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

impl ManageConnection for Connector {
    type Connection = PooledLink;
    type Error = io::Error;

    fn connect(&self) -> io::Result<PooledLink> {
        let age = self.broken.load(Ordering::Relaxed); // before it is made, as it is no older than that
        let connection = MemcacheConnection::new(self.stream()?, self.timeout);
        Ok(PooledLink { connection, store: None, age, broken: false })
    }

    fn is_valid(&self, link: &mut PooledLink) -> io::Result<()> {
        let young = link.age == self.broken.load(Ordering::Relaxed);
        if young { Ok(()) } else { Err(ErrorKind::ConnectionAborted.into()) }
    }

    fn has_broken(&self, link: &mut PooledLink) -> bool {
        link.broken
    }
}

impl fmt::Debug for PooledLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("store", &self.store)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// The error without the system's error number.
fn reason(error: &io::Error) -> String {
    let known = [
        (ErrorKind::TimedOut, "no answer in time"),
        (ErrorKind::WouldBlock, "no answer in time"),
        (ErrorKind::UnexpectedEof, "connection closed"),
        (ErrorKind::ConnectionReset, "connection closed"),
        (ErrorKind::ConnectionRefused, "connection refused"),
    ];
    let known = known.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(|| error.to_string(), |(_, reason)| (*reason).to_owned())
}
