//! The place in line, for whoever watches.

use std::time::{Duration, SystemTime};

use super::voice::Voice;
use crate::client::{Holder, Line};

/// What was shown last: the place, and the tokens of the holders.
#[derive(Debug, Default)]
pub(super) struct Place(Option<(Option<u64>, Vec<u64>)>);

impl Place {
    /// Shows how it stands, if that changed.
    pub(super) fn show(&mut self, pool: &str, line: &Line, voice: Voice) {
        let now = Some((line.place, line.holders.iter().map(|holder| holder.token).collect()));
        if self.0 != now {
            self.0 = now;
            voice.progress(format_args!("{}", sentence(pool, line, SystemTime::now())));
        }
    }
}

fn sentence(pool: &str, line: &Line, now: SystemTime) -> String {
    let place =
        line.place.map_or_else(|| "waiting".to_owned(), |place| format!("{} in line", ordinal(place)));
    let Some(holder) = line.holders.first() else {
        return format!("{place} for {pool:?}");
    };
    let others = line.holders.len() - 1;
    let slot = if others == 0 { "it" } else { "a slot" };
    let has = age(holder, now)
        .map_or_else(|| format!("has {slot}"), |age| format!("has had {slot} for {}", rough(age)));
    let doing = holder.command.as_ref().map(|note| format!(" ({})", note.escape_debug())).unwrap_or_default();
    let others = if others == 0 { String::new() } else { format!(", and {others} more") };
    format!("{place} for {pool:?}; {}{doing} {has}{others}", holder.host)
}

fn age(holder: &Holder, now: SystemTime) -> Option<Duration> {
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds_since_epoch(holder.since.as_ref()?)?);
    Some(now.duration_since(since).unwrap_or_default())
}

/// Reads `2026-11-23T12:00:00Z`, with or without a fraction.
fn seconds_since_epoch(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |part: Option<&str>| part?.parse::<u64>().ok();
    let (mut date, mut time) = (date.split('-'), time.split(['.', ':']));
    let (year, month, day) = (number(date.next())?, number(date.next())?, number(date.next())?);
    let (hour, minute, second) = (number(time.next())?, number(time.next())?, number(time.next())?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// A time in the largest unit that says enough.
fn rough(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(host: &str, command: Option<&str>) -> Holder {
        let since = Some("2026-11-23T12:00:00.25Z".to_owned());
        Holder { host: host.to_owned(), token: 1, since, command: command.map(str::to_owned) }
    }

    fn shown(place: Option<u64>, holders: Vec<Holder>) -> String {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_200 + 125);
        sentence("pool1", &Line { place, length: None, holders }, now)
    }

    #[test]
    fn a_waiter_sees_its_place_and_who_has_the_slot() {
        assert_eq!(
            shown(Some(3), vec![holder("web7", None)]),
            "3rd in line for \"pool1\"; web7 has had it for 2 min"
        );
        assert_eq!(
            shown(Some(1), vec![holder("web7", Some("deploy\n")), holder("web8", None)]),
            "1st in line for \"pool1\"; web7 (deploy\\n) has had a slot for 2 min, and 1 more"
        );
        assert_eq!(shown(None, Vec::new()), "waiting for \"pool1\"");
    }

    #[test]
    fn a_moment_is_read() {
        assert_eq!(seconds_since_epoch("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds_since_epoch("2024-02-29T23:59:59.9Z"), Some(1_709_251_199));
        assert_eq!(seconds_since_epoch("2026-11-23T12:00:00Z"), Some(1_795_435_200));
        for wrong in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-23T12:00:00+01:00", "-1-1-1T0:0:0Z"] {
            assert_eq!(seconds_since_epoch(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_and_times_are_said_as_people_do() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 112th"
        );
        assert_eq!(
            [59, 60, 7300, 200_000].map(|time| rough(Duration::from_secs(time))).join(", "),
            "59 s, 1 min, 2 h, 2 days"
        );
    }
}
