//! Memcached's clock.
//!
//! An expiry given as a duration counts from the latest tick of memcached's clock. While memcached is frozen its clock
//! is as well, and its first request afterwards may come before the first tick: with that tick a lease that was just
//! written would be over. So every expiry is a date on memcached's clock, extrapolated here while memcached is silent.
//! Entries contain their date, so that the seconds they have left show the time.
//!
//! A frozen clock is too early. Therefore the latest observation counts, and an earlier one adjusts it only gradually,
//! as the clocks of two machines drift apart.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Maximum adjustment, in microseconds per second.
const MAX_DRIFT: i64 = 10_000;

/// Maximum time without an observation that is adjusted: a clock may have been frozen longer.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Seconds after memcached's start until even the earliest moment that its clock can mean is later than that start.
const MIN_UPTIME: u64 = 5;

/// Estimate of memcached's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemcacheTime {
    /// Time of the last observation.
    seen: Instant,
    /// Latest time that it can have shown then, in microseconds since 1970.
    micros: i64,
}

impl MemcacheTime {
    /// An estimate from a clock that shows these seconds since 1970.
    pub(crate) fn new(seconds: u64, now: Instant) -> Self {
        Self { seen: now, micros: micros(Duration::from_secs(seconds)) }
    }

    /// Adds an observation, in seconds since 1970.
    pub(crate) fn observe(&mut self, seconds: u64, now: Instant) {
        let gone = now.saturating_duration_since(self.seen);
        let drift = micros(gone.min(MAX_AGE)) * MAX_DRIFT / 1_000_000;
        let micros = (self.micros + micros(gone) - drift).max(Self::new(seconds, now).micros);
        *self = Self { seen: now, micros };
    }

    /// The second that the clock shows now, give or take one.
    pub(crate) fn seconds(self, now: Instant) -> u64 {
        let gone = micros(now.saturating_duration_since(self.seen));
        u64::try_from((self.micros + gone + 500_000) / 1_000_000).unwrap_or_default()
    }
}

/// Memcached's clock, as shown by `stats`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreClock {
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// Seconds since memcached was started.
    pub(crate) uptime: u64,
}

impl StoreClock {
    /// Microseconds since 1970, for the base of tokens; `None` if they are not known well enough yet. `ours`: the time
    /// since 1970 by this machine's clock.
    pub(crate) fn micros(self, ours: Duration) -> Option<u64> {
        let second = |seconds: u64| seconds.saturating_mul(1_000_000);
        let ours = u64::try_from(ours.as_micros()).ok()?;
        let earliest = second(self.time.saturating_sub(1));
        if (earliest..second(self.time + 3)).contains(&ours) {
            return Some(ours);
        }
        (self.uptime >= MIN_UPTIME).then_some(earliest)
    }
}

/// Time since 1970 by this machine's clock.
pub(crate) fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_local_time_counts_if_memcached_agrees() {
        let micros = |millis: u64, uptime| {
            StoreClock { time: 1_700_000_000, uptime }.micros(Duration::from_millis(millis))
        };

        assert_eq!(micros(1_700_000_000_500, 0), Some(1_700_000_000_500_000));
        assert_eq!(micros(1_699_999_999_500, 0), Some(1_699_999_999_500_000));
        assert_eq!(micros(1_700_000_002_500, 0), Some(1_700_000_002_500_000));
        for wrong in [1_600_000_000_000, 1_800_000_000_000] {
            assert_eq!(micros(wrong, 4), None);
            assert_eq!(micros(wrong, 5), Some(1_699_999_999_000_000));
        }
    }

    #[test]
    fn a_frozen_clock_does_not_set_the_estimate_back() {
        let start = Instant::now();
        let mut time = MemcacheTime::new(1_000, start);
        time.observe(1_010, start + 10 * SECOND);

        time.observe(1_010, start + 300 * SECOND);
        assert_eq!(time.seconds(start + 300 * SECOND), 1_300);
        time.observe(1_301, start + 301 * SECOND);
        assert_eq!(time.seconds(start + 301 * SECOND), 1_301);
    }

    #[test]
    fn a_clock_ahead_of_the_estimate_counts_at_once() {
        let start = Instant::now();
        let mut time = MemcacheTime::new(1_000, start);

        time.observe(1_020, start + SECOND);

        assert_eq!(time.seconds(start + SECOND), 1_020);
    }

    #[test]
    fn a_slower_clock_is_followed() {
        let start = Instant::now();
        let mut time = MemcacheTime::new(1_003, start);

        for second in 1..1_000 {
            time.observe(1_000 + u64::from(second), start + second * SECOND);
        }

        assert_eq!(time.seconds(start + 999 * SECOND), 1_999);
    }
}
