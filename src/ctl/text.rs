//! Words for people.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

pub(super) use crate::program::text::clean;

/// A day and a bit: what is older is told with its date.
const SAME_DAY: Duration = Duration::from_secs(20 * 3600);

/// A time in the one or two units that say enough.
pub(super) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..3600 => format!("{minutes} min"),
        3600..172_800 => two(format!("{hours} h"), minutes % 60, "min"),
        172_800.. => two(format!("{days} days"), hours % 24, "h"),
    }
}

fn two(first: String, rest: u64, unit: &str) -> String {
    if rest == 0 { first } else { format!("{first} {rest} {unit}") }
}

/// How long ago this was. Clocks differ: what is yet to come is now.
pub(super) fn age(moment: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(moment).unwrap_or_default()
}

/// A moment near now, in UTC as the server's log has it.
pub(super) fn moment(moment: SystemTime, now: SystemTime) -> Option<String> {
    let far = age(moment, now).max(age(now, moment));
    let format = if far < SAME_DAY { "%H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    Timestamp::try_from(moment).ok().map(|moment| moment.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        let told = |seconds| human(Duration::from_secs(seconds));

        assert_eq!([0, 119, 120, 3599].map(told), ["0 s", "119 s", "2 min", "59 min"]);
        assert_eq!([3600, 3900, 172_799].map(told), ["1 h", "1 h 5 min", "47 h 59 min"]);
        assert_eq!([172_800, 180_000].map(told), ["2 days", "2 days 2 h"]);
    }

    #[test]
    fn what_is_long_ago_has_its_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_080);

        assert_eq!(moment(now, now).unwrap(), "11:58:00 UTC");
        let before = now - Duration::from_secs(100_000);
        assert_eq!(moment(before, now).unwrap(), "2026-11-22 08:11:20 UTC");
        assert_eq!(age(now, before), Duration::ZERO);
    }
}
