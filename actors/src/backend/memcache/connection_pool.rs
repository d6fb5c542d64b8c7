//! Connections to one memcached.
//!
//! One exchange is one batch: all commands go out in one write, and all answers have one deadline. After an
//! exchange that failed the next answer would belong to the last question, so such a connection is thrown away.

use std::{
    fmt,
    io::{self, ErrorKind},
    net::TcpStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
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
    token_base::{self, StoreClock},
};
use crate::telemetry::backend_calls::BackendCalls;

/// How long it takes at most until memcached's clock, which shows seconds, moves.
const MAX_CLOCK_TICK: Duration = Duration::from_secs(3);

/// So many seconds ahead is no clock that was looked at a moment ago.
const DOUBTFUL: u64 = 10;

/// How often it is looked at until then.
const GLANCE: Duration = Duration::from_millis(50);

/// Why something cannot be done, in a sentence for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MemcacheError {
    /// The memcached cannot be reached, or does not answer.
    Away(String),
    /// It answers, but this cannot be done with it.
    Refused(String),
}

impl MemcacheError {
    /// Whether the memcached cannot be reached, or does not answer.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Away(_))
    }

    /// The sentence.
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Away(why) | Self::Refused(why) => why,
        }
    }
}

/// An exchange that failed. Its commands may have been carried out.
#[derive(Debug)]
pub(super) struct ExchangeFailure {
    /// Why.
    pub(super) trouble: MemcacheError,
    /// Whether another connection may do better.
    pub(super) again: bool,
}

/// One connection.
pub(super) struct PooledLink {
    connection: MemcacheConnection,
    /// The store that was seen last through this connection. The CAS numbers seen with it are those of the
    /// process at its other end.
    pub(super) store: Option<Arc<str>>,
    /// How many connections had been found broken when this one was made.
    age: u64,
    /// Whether an exchange failed.
    broken: bool,
}

/// All connections to one memcached. A clone uses the same ones.
#[derive(Debug, Clone)]
pub(super) struct ConnectionPool {
    pool: r2d2::Pool<Connector>,
    dial: Connector,
    /// How often it was asked.
    calls: BackendCalls,
}

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    server: MemcacheServer,
    addresses: Addresses,
    timeout: Duration,
    /// How many connections were found broken. When one is, all that are older probably are.
    broken: Arc<AtomicU64>,
    /// The clock of the process at the other end; `None` before it was seen.
    time: Arc<Mutex<Option<MemcacheTime>>>,
}

impl ConnectionPool {
    /// Up to so many connections, none of them made yet. Connecting and each exchange take at most `timeout`.
    pub(super) fn new(server: MemcacheServer, most: u32, timeout: Duration, calls: BackendCalls) -> Self {
        let addresses = Addresses::of(server.clone());
        let dial = Connector { server, addresses, timeout, broken: Arc::default(), time: Arc::default() };
        let pool = r2d2::Pool::builder()
            .max_size(most)
            .min_idle(Some(0))
            .max_lifetime(None)
            .idle_timeout(None)
            .connection_timeout(timeout)
            .test_on_check_out(true) // looks at the age alone
            .error_handler(Box::new(NopErrorHandler)) // the gate says it, once
            .build_unchecked(dial.clone());
        Self { pool, dial, calls }
    }

    /// A connection: an idle one, or a new one.
    pub(super) fn take(&self) -> Result<PooledConnection<Connector>, MemcacheError> {
        if let Some(link) = self.pool.try_get() {
            return Ok(link);
        }
        let link = self.dial.stream().map_err(|error| self.away(&error)); // says at once why there is none
        let link = link.and_then(|_| {
            self.pool
                .get()
                .map_err(|error| MemcacheError::Away(format!("memcached {}: {error}", self.server())))
        });
        link.inspect_err(|_| self.calls.count(false))
    }

    /// Asks for statistics, through a connection of its own.
    pub(super) fn stats(&self, question: &str) -> Result<Stats, MemcacheError> {
        let stats = self.dial.stream().and_then(|stream| stats::query(&stream, question, self.dial.timeout));
        stats.map_err(|error| {
            let is_answered = error.kind() == ErrorKind::InvalidData;
            if is_answered { self.refused(&error) } else { self.away(&error) }
        })
    }

    /// What memcached says of its clock.
    pub(super) fn clock(&self) -> Result<StoreClock, MemcacheError> {
        let stats = self.stats("stats")?;
        let seconds = |name| stats.get(name).and_then(|seconds| seconds.parse().ok());
        let clock = seconds("time").zip(seconds("uptime"));
        let (time, uptime) = clock.ok_or_else(|| self.refused("does not tell its time"))?;
        Ok(StoreClock { time, uptime })
    }

    /// The seconds since 1970 that memcached's clock shows, or would show if it did not stand still.
    pub(super) fn seconds(&self) -> Result<u64, MemcacheError> {
        if let Some(time) = *self.dial.time() {
            return Ok(time.seconds(Instant::now()));
        }
        let seconds = self.first_seconds()?;
        let now = Instant::now();
        Ok(self.dial.time().get_or_insert(MemcacheTime::new(seconds, now)).seconds(now))
    }

    /// Remembers what an entry says that its clock shows. If that is far ahead of what is known, memcached itself is
    /// asked: the entry may be another writer's.
    pub(super) fn see_time(&self, seconds: u64) {
        let known = self.dial.time().map(|time| time.seconds(Instant::now()));
        let is_doubtful = known.is_some_and(|known| seconds > known.saturating_add(DOUBTFUL));
        let seconds = if is_doubtful { self.clock().ok().map(|clock| clock.time) } else { Some(seconds) };
        if let (Some(time), Some(seconds)) = (&mut *self.dial.time(), seconds) {
            time.see(seconds, Instant::now());
        }
    }

    /// It was restarted: its clock is another one.
    pub(super) fn forget_time(&self) {
        *self.dial.time() = None;
    }

    /// Looks at its clock for the first time. If that does not agree with ours, it may stand still, or be another
    /// one: what it shows after it moved is right.
    fn first_seconds(&self) -> Result<u64, MemcacheError> {
        let (first, ours) = (self.clock()?.time, token_base::now().as_secs());
        if (ours.saturating_sub(2)..=ours + 1).contains(&first) {
            return Ok(first.max(ours));
        }
        let start = Instant::now();
        while start.elapsed() < MAX_CLOCK_TICK {
            let seconds = self.clock()?.time;
            if seconds != first {
                return Ok(seconds);
            }
            thread::park_timeout(GLANCE);
        }
        Err(self.refused("has a clock that does not move"))
    }

    /// Where the memcached is.
    pub(super) fn server(&self) -> &MemcacheServer {
        &self.dial.server
    }

    /// A sentence about it.
    pub(super) fn refused(&self, why: impl fmt::Display) -> MemcacheError {
        MemcacheError::Refused(format!("memcached {} {why}", self.server()))
    }

    /// A failure that no other connection makes good.
    pub(super) fn failed(&self, why: impl fmt::Display) -> ExchangeFailure {
        ExchangeFailure { trouble: self.refused(why), again: false }
    }

    fn away(&self, error: &io::Error) -> MemcacheError {
        MemcacheError::Away(format!("memcached {}: {}", self.server(), reason(error)))
    }

    /// Sends all commands at once and brings their answers.
    ///
    /// # Errors
    /// When an answer is missing, or is none: the connection is of no use any more.
    pub(super) fn exchange(
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
            return ExchangeFailure { trouble: self.refused(error), again: true };
        }
        let again = error.kind() != ErrorKind::TimedOut;
        if again {
            let broken = &self.dial.broken;
            let _ = broken.compare_exchange(age, age + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        ExchangeFailure { trouble: self.away(error), again }
    }
}

impl Connector {
    fn time(&self) -> MutexGuard<'_, Option<MemcacheTime>> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection to whichever of its addresses answers first. Half the time is left for that when the name
    /// service does not answer.
    fn stream(&self) -> io::Result<TcpStream> {
        let deadline = Instant::now() + self.timeout;
        let mut failure = io::Error::new(ErrorKind::NotFound, "its name has no address");
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
        let age = self.broken.load(Ordering::Relaxed); // before it is made: it is not older than that
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

/// What went wrong, without the numbers of the system.
fn reason(error: &io::Error) -> String {
    let known = [
        (ErrorKind::TimedOut, "no answer in time"),
        (ErrorKind::WouldBlock, "no answer in time"),
        (ErrorKind::UnexpectedEof, "it ended the connection"),
        (ErrorKind::ConnectionReset, "it ended the connection"),
        (ErrorKind::ConnectionRefused, "connection refused"),
    ];
    let known = known.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(|| error.to_string(), |(_, reason)| (*reason).to_owned())
}
