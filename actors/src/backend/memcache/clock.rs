//! What time it is at memcached.
//!
//! An expiry that is told in seconds counts from the latest tick of memcached's clock. While memcached stands
//! still its clock does too, and the first request it serves then may come before the first tick: with that tick a
//! lease that was just written would be over. So every expiry is a date, by memcached's clock as it goes on here
//! while memcached is silent. Entries carry their date, so that the seconds they have left tell the time.
//!
//! What was seen of a clock that stood still says too early a time. Therefore the latest counts, and an earlier
//! one only little by little, as clocks of two machines drift apart.

use std::time::Duration;

use tokio::time::Instant;

/// Of each second that goes by, so many microseconds are taken off.
const DRIFT: i64 = 10_000;

/// But only of so many seconds in which nothing was seen: that long a clock may have stood still.
const MAX_AGE: Duration = Duration::from_secs(30);

/// What is known of memcached's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemcacheTime {
    /// When it was seen last.
    seen: Instant,
    /// What it showed then at the latest, in microseconds since 1970.
    micros: i64,
}

impl MemcacheTime {
    /// It shows so many seconds since 1970.
    pub(super) fn new(seconds: u64, now: Instant) -> Self {
        Self { seen: now, micros: micros(Duration::from_secs(seconds)) }
    }

    /// It was seen to show so many seconds.
    pub(super) fn see(&mut self, seconds: u64, now: Instant) {
        let gone = now.saturating_duration_since(self.seen);
        let drift = micros(gone.min(MAX_AGE)) * DRIFT / 1_000_000;
        let micros = (self.micros + micros(gone) - drift).max(Self::new(seconds, now).micros);
        *self = Self { seen: now, micros };
    }

    /// The second that it shows now, or the one before or behind it.
    pub(super) fn seconds(self, now: Instant) -> u64 {
        let gone = micros(now.saturating_duration_since(self.seen));
        u64::try_from((self.micros + gone + 500_000) / 1_000_000).unwrap_or_default()
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_clock_that_stood_still_is_not_believed() {
        let start = Instant::now();
        let mut time = MemcacheTime::new(1_000, start);
        time.see(1_010, start + 10 * SECOND);

        time.see(1_010, start + 300 * SECOND);
        assert_eq!(time.seconds(start + 300 * SECOND), 1_300);
        time.see(1_301, start + 301 * SECOND);
        assert_eq!(time.seconds(start + 301 * SECOND), 1_301);
    }

    #[test]
    fn a_clock_that_is_later_than_thought_is_believed_at_once() {
        let start = Instant::now();
        let mut time = MemcacheTime::new(1_000, start);

        time.see(1_020, start + SECOND);

        assert_eq!(time.seconds(start + SECOND), 1_020);
    }

    #[test]
    fn a_clock_that_is_slower_is_followed() {
        let start = Instant::now();
        let mut time = MemcacheTime::new(1_003, start);

        for second in 1..1_000 {
            time.see(1_000 + u64::from(second), start + second * SECOND);
        }

        assert_eq!(time.seconds(start + 999 * SECOND), 1_999);
    }
}
