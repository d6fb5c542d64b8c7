//! An event in words.

use std::time::Duration;

use super::format::{clean, exit_status, human};
use crate::program::queue_progress::ordinal;
use distributex_client::Event;

/// What happened, as a sentence.
pub(super) fn sentence(event: &Event) -> String {
    let host = event.host.as_deref().map_or_else(|| "somebody".to_owned(), clean);
    let note = event.command.as_ref().map(|note| format!(" ({})", clean(note))).unwrap_or_default();
    let token = event.token.map(|token| format!("; token {token}")).unwrap_or_default();
    let held = after(event.held);
    match event.name.as_str() {
        "waiting" => {
            let place = event.place.map(|place| format!(", {} in line", ordinal(place))).unwrap_or_default();
            format!("{host} waits{place}{}", ticket(event))
        }
        "left" => format!("{host} left the line{}", ticket(event)),
        "granted" => {
            let waited = event.waited.filter(|waited| waited.as_secs() > 0).map(human);
            let waited = waited.map(|waited| format!(" after {waited}")).unwrap_or_default();
            format!("{host}{note} got a slot{waited}{token}")
        }
        "released" => {
            let status = event.exit_status.map(|status| format!(", {}", exit_status(status)));
            let status = status.unwrap_or_default();
            format!("{host}{note} gave its slot back{held}{status}{}{token}", revoked(event))
        }
        "expired" => format!("the lease of {host}{note} expired{held}{}{token}", revoked(event)),
        "lost" => {
            format!("the lease of {host}{note} is not in the store any more{held}{}{token}", revoked(event))
        }
        "revoked" => format!("{} asked {host} to stop{}{token}", by(event), why(event)),
        "unheard" => format!("{host} was not there to get its slot, which goes on{token}"),
        "forced" => {
            format!("{} released the slot of {host}{note} by force{held}{}{token}", by(event), why(event))
        }
        "renewed-lost" => format!("{host} wanted to renew a lease that is lost{token}"),
        "paused" => format!("{} paused it{}", by(event), why(event)),
        "resumed" => format!("{} resumed it{}", by(event), why(event)),
        "moved" => {
            format!("{} moved {host} to the front of the line{}{}", by(event), why(event), ticket(event))
        }
        "removed" => format!("{} removed {host} from the line{}{}", by(event), why(event), ticket(event)),
        "away" => "its store cannot be reached".to_owned(),
        "back" => "its store can be reached again".to_owned(),
        "changed" => "its configuration changed".to_owned(),
        "missed" => {
            let message = event.message.as_deref().unwrap_or("some events are not known any more");
            format!("something is left out here: {}", clean(message))
        }
        other => format!("{} {}", clean(other), clean(&event.json)), // a later server tells more
    }
}

fn after(held: Option<Duration>) -> String {
    held.map(|held| format!(" after {}", human(held))).unwrap_or_default()
}

fn ticket(event: &Event) -> String {
    event.ticket.map(|ticket| format!("; ticket {ticket}")).unwrap_or_default()
}

/// Who had revoked the lease that ended.
fn revoked(event: &Event) -> String {
    let revoked = event.author.as_ref().map(|_| format!(", revoked by {}{}", by(event), why(event)));
    revoked.unwrap_or_default()
}

fn by(event: &Event) -> String {
    event.author.as_deref().map_or_else(|| "somebody".to_owned(), clean)
}

fn why(event: &Event) -> String {
    event.reason.as_ref().map(|reason| format!(": {}", clean(reason))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> String {
        sentence(&Event {
            name: name.to_owned(),
            json: "{}".to_owned(),
            host: Some("web1".to_owned()),
            token: Some(7),
            ticket: Some(3),
            place: Some(2),
            waited: Some(Duration::from_millis(1250)),
            held: Some(Duration::from_secs(130)),
            command: Some("puppet\x1b".to_owned()),
            exit_status: Some(1),
            author: Some("ann".to_owned()),
            reason: Some("hangs".to_owned()),
            ..Event::default()
        })
    }

    #[test]
    fn every_event_has_its_sentence() {
        for (name, sentence) in [
            ("waiting", "web1 waits, 2nd in line; ticket 3"),
            ("left", "web1 left the line; ticket 3"),
            ("granted", "web1 (puppet\u{fffd}) got a slot after 1 s; token 7"),
            (
                "released",
                "web1 (puppet\u{fffd}) gave its slot back after 2 min, exit status 1, revoked by ann: hangs; token 7",
            ),
            (
                "expired",
                "the lease of web1 (puppet\u{fffd}) expired after 2 min, revoked by ann: hangs; token 7",
            ),
            ("revoked", "ann asked web1 to stop: hangs; token 7"),
            ("forced", "ann released the slot of web1 (puppet\u{fffd}) by force after 2 min: hangs; token 7"),
            ("paused", "ann paused it: hangs"),
            ("moved", "ann moved web1 to the front of the line: hangs; ticket 3"),
            ("eclipse", "eclipse {}"),
        ] {
            assert_eq!(told(name), sentence);
        }
    }
}
