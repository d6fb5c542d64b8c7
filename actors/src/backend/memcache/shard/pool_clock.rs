//! Observation of memcached's clock through a connection pool.

use std::{thread, time::Duration};

use tokio::time::Instant;

use super::{
    clock::{self, MemcacheTime, StoreClock},
    connection_pool::{ConnectionPool, MemcacheError},
};

/// Maximum time until memcached's clock, which shows seconds, ticks.
const MAX_CLOCK_TICK: Duration = Duration::from_secs(3);

/// Seconds by which an observation may be ahead of the estimate without a check.
const MAX_CLOCK_LEAD: u64 = 10;

/// Interval of reads until the clock ticks.
const CLOCK_READ_INTERVAL: Duration = Duration::from_millis(50);

impl ConnectionPool {
    /// Reads memcached's clock.
    pub(crate) fn clock(&self) -> Result<StoreClock, MemcacheError> {
        let stats = self.stats("stats")?;
        let seconds = |name| stats.get(name).and_then(|seconds| seconds.parse().ok());
        let clock = seconds("time").zip(seconds("uptime"));
        let (time, uptime) = clock.ok_or_else(|| self.refused("does not report its time"))?;
        Ok(StoreClock { time, uptime })
    }

    /// Estimated seconds since 1970 of memcached's clock, as if it had never been frozen.
    pub(crate) fn seconds(&self) -> Result<u64, MemcacheError> {
        if let Some(time) = *self.connector.time() {
            return Ok(time.seconds(Instant::now()));
        }
        let seconds = self.first_seconds()?;
        let now = Instant::now();
        Ok(self.connector.time().get_or_insert(MemcacheTime::new(seconds, now)).seconds(now))
    }

    /// Adds an observation of the clock. If it is far ahead of the estimate, memcached's own clock is read: the entry
    /// may be another writer's.
    pub(crate) fn observe_time(&self, seconds: u64) {
        let known = self.connector.time().map(|time| time.seconds(Instant::now()));
        let is_doubtful = known.is_some_and(|known| seconds > known.saturating_add(MAX_CLOCK_LEAD));
        let seconds = if is_doubtful { self.clock().ok().map(|clock| clock.time) } else { Some(seconds) };
        if let (Some(time), Some(seconds)) = (&mut *self.connector.time(), seconds) {
            time.observe(seconds, Instant::now());
        }
    }

    /// Forgets the clock, as memcached was restarted.
    pub(crate) fn forget_time(&self) {
        *self.connector.time() = None;
    }

    /// Reads the clock for the first time. If it differs from this machine's, it may be frozen, or just different: its
    /// value after a tick is right.
    fn first_seconds(&self) -> Result<u64, MemcacheError> {
        let (first, ours) = (self.clock()?.time, clock::unix_now().as_secs());
        if (ours.saturating_sub(2)..=ours + 1).contains(&first) {
            return Ok(first.max(ours));
        }
        let start = Instant::now();
        while start.elapsed() < MAX_CLOCK_TICK {
            let seconds = self.clock()?.time;
            if seconds != first {
                return Ok(seconds);
            }
            thread::park_timeout(CLOCK_READ_INTERVAL);
        }
        Err(self.refused("has a clock that does not tick"))
    }
}
