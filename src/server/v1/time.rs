//! Conversions of times for responses.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Rounds up to the next whole millisecond.
pub(super) fn rounded_up(time: Duration) -> Duration {
    const MILLISECOND: u32 = 1_000_000;
    let over = time.subsec_nanos() % MILLISECOND;
    if over == 0 { time } else { time + Duration::from_nanos(u64::from(MILLISECOND - over)) }
}

/// The wall-clock time of an instant, which may be in the future; rounded up.
pub(super) fn wall_clock(instant: Instant) -> Option<SystemTime> {
    let left = rounded_up(instant.saturating_duration_since(Instant::now()));
    SystemTime::now().checked_add(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_to_milliseconds() {
        assert_eq!(rounded_up(Duration::from_nanos(29_999_000_001)), Duration::from_secs(30));
        assert_eq!(rounded_up(Duration::from_millis(29_999)), Duration::from_millis(29_999));
    }
}
