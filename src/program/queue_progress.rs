//! Progress messages of a waiter: its position, the holders, a pause.

use std::time::{Duration, SystemTime};

use super::console::Console;
use distributex_client::{Holder, Pause, QueueInfo};

/// Progress that was shown last: position, tokens of the holders, pause.
#[derive(Debug, Default)]
pub(crate) struct QueueProgress(Option<(Option<u64>, Vec<u64>, Option<Pause>)>);

impl QueueProgress {
    /// Shows the position and the holders if they changed.
    pub(crate) fn show(&mut self, pool: &str, line: &QueueInfo, console: Console) {
        let tokens = line.holders.iter().map(|holder| holder.token).collect();
        let now = Some((line.position, tokens, line.paused.clone()));
        if self.0 != now {
            self.0 = now;
            console.progress(format_args!("{}", sentence(pool, line, SystemTime::now())));
        }
    }
}

fn sentence(pool: &str, line: &QueueInfo, now: SystemTime) -> String {
    let position = line
        .position
        .map_or_else(|| "waiting".to_owned(), |place| format!("{} in the queue", ordinal(place)));
    let paused = line.paused.as_ref().map(paused).unwrap_or_default();
    format!("{position} for {pool:?}{paused}{}", held(line, now))
}

/// The pause, as part of a sentence.
fn paused(Pause { author, reason, .. }: &Pause) -> String {
    format!(", paused by {}: {}", author.escape_debug(), reason.escape_debug())
}

/// The first holder, as the end of a sentence.
pub(crate) fn held(line: &QueueInfo, now: SystemTime) -> String {
    let Some(Holder { host, since, command, .. }) = line.holders.first() else {
        return String::new();
    };
    let others = line.holders.len() - 1;
    let slot = if others == 0 { "it" } else { "a slot" };
    let age = since.map(|since| now.duration_since(since).unwrap_or_default());
    let has = age
        .map_or_else(|| format!("has {slot}"), |age| format!("has had {slot} for {}", human_duration(age)));
    let doing = command.as_ref().map(|note| format!(" ({})", note.escape_debug())).unwrap_or_default();
    let others = if others == 0 { String::new() } else { format!(", and {others} more") };
    format!("; {}{doing} {has}{others}", host.escape_debug())
}

/// Formats a duration with one unit.
fn human_duration(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Formats an ordinal number: 1st, 2nd, 3rd, 4th.
pub(crate) fn ordinal(number: u64) -> String {
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
        let since = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        Holder {
            host: host.to_owned(),
            token: 1,
            since,
            expires_in: None,
            command: command.map(str::to_owned),
            revoked: None,
            store: None,
        }
    }

    fn shown(place: Option<u64>, holders: Vec<Holder>) -> String {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_125);
        sentence("pool1", &QueueInfo { position: place, length: None, holders, paused: None }, now)
    }

    #[test]
    fn a_waiter_sees_its_position_and_the_holder() {
        assert_eq!(
            shown(Some(3), vec![holder("web7", None)]),
            "3rd in the queue for \"pool1\"; web7 has had it for 2 min"
        );
        assert_eq!(
            shown(Some(1), vec![holder("web7", Some("deploy\n")), holder("web8", None)]),
            "1st in the queue for \"pool1\"; web7 (deploy\\n) has had a slot for 2 min, and 1 more"
        );
        assert_eq!(shown(None, Vec::new()), "waiting for \"pool1\"");
    }

    #[test]
    fn a_waiter_sees_that_the_pool_is_paused() {
        let pause = Pause { author: "ann".to_owned(), reason: "kernel\u{1b} update".to_owned(), since: None };
        let line = QueueInfo { position: Some(2), paused: Some(pause), ..QueueInfo::default() };

        assert_eq!(
            sentence("p", &line, SystemTime::UNIX_EPOCH),
            "2nd in the queue for \"p\", paused by ann: kernel\\u{1b} update"
        );
    }

    #[test]
    fn ordinals_and_durations_are_formatted() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 112th"
        );
        assert_eq!(
            [59, 60, 7300, 200_000].map(|time| human_duration(Duration::from_secs(time))).join(", "),
            "59 s, 1 min, 2 h, 2 days"
        );
    }
}
