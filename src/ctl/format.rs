//! Words for people.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

pub(super) use crate::program::text::clean;

/// A day and a bit: what is older is told with its date.
const SAME_DAY: Duration = Duration::from_secs(20 * 3600);

/// A time in the one or two units that say enough.
pub(super) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds == 0 && time.as_millis() > 0 {
        return format!("{} ms", time.as_millis());
    }
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

/// How many slots of a pool are held, as a sentence without its end.
pub(super) fn slots_held(held: u64, slots: u64) -> String {
    match (held, slots) {
        (0, 1) => "its slot is free".to_owned(),
        (1, 1) => "its slot is held".to_owned(),
        (1, slots) => format!("1 of {slots} slots is held"),
        (held, slots) => format!("{held} of {slots} slots are held"),
    }
}

/// An exit status, and the signal that it stands for.
pub(super) fn exit_status(status: u8) -> String {
    match status.checked_sub(128) {
        Some(signal @ 1..=64) => format!("exit status {status} (signal {signal})"),
        Some(_) | None => format!("exit status {status}"),
    }
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
        assert_eq!([999, 1999].map(|millis| human(Duration::from_millis(millis))), ["999 ms", "1 s"]);
        assert_eq!([3600, 3900, 172_799].map(told), ["1 h", "1 h 5 min", "47 h 59 min"]);
        assert_eq!([172_800, 180_000].map(told), ["2 days", "2 days 2 h"]);
    }

    #[test]
    fn one_slot_is_no_slots() {
        assert_eq!(
            [(0, 1), (1, 1)].map(|(held, slots)| slots_held(held, slots)),
            ["its slot is free", "its slot is held"]
        );
        assert_eq!([slots_held(1, 3), slots_held(2, 3)], ["1 of 3 slots is held", "2 of 3 slots are held"]);
    }

    #[test]
    fn a_status_of_a_signal_names_it() {
        assert_eq!([0, 128, 255].map(exit_status), ["exit status 0", "exit status 128", "exit status 255"]);
        assert_eq!(exit_status(137), "exit status 137 (signal 9)");
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
