//! Formatting of durations, times and counts for people.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

pub(super) use crate::program::text::clean;

/// Times at least this far away are printed with their date.
const SAME_DAY: Duration = Duration::from_secs(20 * 3600);

/// Formats a duration with one or two units.
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

/// Formats the number of held slots as a clause.
pub(super) fn slots_held(held: u64, slots: u64) -> String {
    match (held, slots) {
        (0, 1) => "its slot is free".to_owned(),
        (1, 1) => "its slot is held".to_owned(),
        (1, slots) => format!("one of {slots} slots is held"),
        (held, slots) => format!("{held} of {slots} slots are held"),
    }
}

/// Formats an exit status, with the signal it stands for.
pub(super) fn exit_status(status: u8) -> String {
    match status.checked_sub(128) {
        Some(signal @ 1..=64) => format!("exit status {status} (signal {signal})"),
        Some(_) | None => format!("exit status {status}"),
    }
}

/// Time since `moment`; zero if it is in the future, as clocks differ.
pub(super) fn age(moment: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(moment).unwrap_or_default()
}

/// Formats a time in UTC, like the server's log; with its date if it is far from `now`.
pub(super) fn moment(moment: SystemTime, now: SystemTime) -> Option<String> {
    let far = age(moment, now).max(age(now, moment));
    let format = if far < SAME_DAY { "%H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    Timestamp::try_from(moment).ok().map(|moment| moment.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_or_two_units() {
        let shown = |seconds| human(Duration::from_secs(seconds));

        assert_eq!([0, 119, 120, 3599].map(shown), ["0 s", "119 s", "2 min", "59 min"]);
        assert_eq!([999, 1999].map(|millis| human(Duration::from_millis(millis))), ["999 ms", "1 s"]);
        assert_eq!([3600, 3900, 172_799].map(shown), ["1 h", "1 h 5 min", "47 h 59 min"]);
        assert_eq!([172_800, 180_000].map(shown), ["2 days", "2 days 2 h"]);
    }

    #[test]
    fn one_slot_is_singular() {
        assert_eq!(
            [(0, 1), (1, 1)].map(|(held, slots)| slots_held(held, slots)),
            ["its slot is free", "its slot is held"]
        );
        assert_eq!([slots_held(1, 3), slots_held(2, 3)], ["one of 3 slots is held", "2 of 3 slots are held"]);
    }

    #[test]
    fn a_status_above_128_names_the_signal() {
        assert_eq!([0, 128, 255].map(exit_status), ["exit status 0", "exit status 128", "exit status 255"]);
        assert_eq!(exit_status(137), "exit status 137 (signal 9)");
    }

    #[test]
    fn a_distant_time_has_its_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_080);

        assert_eq!(moment(now, now).unwrap(), "11:58:00 UTC");
        let before = now - Duration::from_secs(100_000);
        assert_eq!(moment(before, now).unwrap(), "2026-11-22 08:11:20 UTC");
        assert_eq!(age(now, before), Duration::ZERO);
    }
}
