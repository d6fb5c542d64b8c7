//! Times, as JSON has them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// A time as a number of seconds, to the millisecond below; whole seconds without a fraction.
pub(super) struct JsonSeconds(pub(super) Duration);

impl Serialize for JsonSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.as_secs(), self.0.subsec_millis()) {
            (seconds, 0) => serializer.serialize_u64(seconds),
            (seconds, millis) => {
                serializer.serialize_f64((seconds * 1000 + u64::from(millis)) as f64 / 1000.0)
            }
        }
    }
}

/// Up to the next whole millisecond.
pub(super) fn rounded_up(time: Duration) -> Duration {
    const MILLISECOND: u32 = 1_000_000;
    let over = time.subsec_nanos() % MILLISECOND;
    if over == 0 { time } else { time + Duration::from_nanos(u64::from(MILLISECOND - over)) }
}

/// A moment as RFC 3339 writes it, in UTC, to the millisecond.
pub(super) struct JsonTimestamp(Timestamp);

impl JsonTimestamp {
    /// That of the system's clock; `None` in a year that has more than four digits.
    pub(super) fn of(time: SystemTime) -> Option<Self> {
        Timestamp::try_from(time).ok().map(Self)
    }

    /// That of another clock, which may be yet to come.
    pub(super) fn at(instant: Instant) -> Option<Self> {
        let left = rounded_up(instant.saturating_duration_since(Instant::now()));
        SystemTime::now().checked_add(left).and_then(Self::of)
    }
}

impl Serialize for JsonTimestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_numbers_without_needless_digits() {
        let shown = |time| serde_json::to_string(&JsonSeconds(time)).unwrap();

        assert_eq!(shown(Duration::ZERO), "0");
        assert_eq!(shown(Duration::from_secs(30)), "30");
        assert_eq!(shown(Duration::from_micros(1_250_999)), "1.25");
        assert_eq!(shown(Duration::from_millis(29_999)), "29.999");
        assert_eq!(shown(rounded_up(Duration::from_nanos(29_999_000_001))), "30");
        assert_eq!(shown(rounded_up(Duration::from_millis(29_999))), "29.999");
    }

    #[test]
    fn a_moment_is_written_in_utc_to_the_millisecond() {
        let moment = JsonTimestamp::of(SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_451_623_914_999));

        assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2026-11-23T16:33:43.914Z\"");
    }
}
