//! Sentences for events.

use std::time::Duration;

use distributex_client::{Event, EventData, EventName};

use super::format::{clean, exit_status, human};
use crate::program::queue_progress::ordinal;

/// The event as a sentence.
pub(super) fn sentence(event: &Event) -> String {
    let Some(name) = EventName::parse(&event.name) else {
        return format!("{} {}", clean(&event.name), clean(&event.json)); // of a later server
    };
    let data = &event.data;
    let host = data.host.as_deref().map_or_else(|| "a host".to_owned(), clean);
    let note = data.command.iter().flatten().next();
    let note = note.map(|note| format!(" ({})", clean(note))).unwrap_or_default();
    let token = data.token.map(|token| format!("; token {token}")).unwrap_or_default();
    let held = after(data.held);
    match name {
        EventName::Queued => {
            let position = data.position.map(|position| format!(", {} in the queue", ordinal(position)));
            format!("{host} waits{}{}", position.unwrap_or_default(), ticket(data))
        }
        EventName::Left => format!("{host} left the queue{}", ticket(data)),
        EventName::Granted => {
            let waited = data.waited.filter(|waited| waited.as_secs() > 0).map(human);
            let waited = waited.map(|waited| format!(" after {waited}")).unwrap_or_default();
            format!("{host}{note} got a slot{waited}{token}")
        }
        EventName::Released => {
            let status = data.exit_status.flatten().map(|status| format!(", {}", exit_status(status)));
            let status = status.unwrap_or_default();
            format!("{host}{note} released its slot{held}{status}{}{token}", revoked(data))
        }
        EventName::Expired => format!("the lease of {host}{note} expired{held}{}{token}", revoked(data)),
        EventName::Vanished => {
            format!("the lease of {host}{note} is no longer in the store{held}{}{token}", revoked(data))
        }
        EventName::Revoked => format!("{} asked {host} to stop{}{token}", by(data), why(data)),
        EventName::Undelivered => {
            format!("{host} disconnected before it got its slot; the next waiter is served{token}")
        }
        EventName::ForceReleased => {
            format!("{} force-released the slot of {host}{note}{held}{}{token}", by(data), why(data))
        }
        EventName::RenewalRefused => format!("{host} tried to renew a lease that has ended{token}"),
        EventName::Paused => format!("{} paused it{}", by(data), why(data)),
        EventName::Resumed => format!("{} resumed it{}", by(data), why(data)),
        EventName::Promoted => {
            format!("{} moved {host} to the front of the queue{}{}", by(data), why(data), ticket(data))
        }
        EventName::Evicted => {
            format!("{} removed {host} from the queue{}{}", by(data), why(data), ticket(data))
        }
        EventName::StoreDown => "its store is unreachable".to_owned(),
        EventName::StoreUp => "its store is reachable again".to_owned(),
        EventName::Reconfigured => "its configuration changed".to_owned(),
        EventName::Missed => {
            let message = data.message.as_deref().unwrap_or("they are no longer kept");
            format!("events are missing here: {}", clean(message))
        }
    }
}

fn after(held: Option<Duration>) -> String {
    held.map(|held| format!(" after {}", human(held))).unwrap_or_default()
}

fn ticket(data: &EventData) -> String {
    data.ticket.map(|ticket| format!("; ticket {ticket}")).unwrap_or_default()
}

/// The revocation of a lease that ended otherwise.
fn revoked(data: &EventData) -> String {
    let revoked = data.author.as_ref().map(|_| format!(", revoked by {}{}", by(data), why(data)));
    revoked.unwrap_or_default()
}

fn by(data: &EventData) -> String {
    data.author.as_deref().map_or_else(|| "an operator".to_owned(), clean)
}

fn why(data: &EventData) -> String {
    data.reason.as_ref().map(|reason| format!(": {}", clean(reason))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence_of(name: &str) -> String {
        let data = EventData {
            host: Some("web1".to_owned()),
            token: Some(7),
            ticket: Some(3),
            position: Some(2),
            waited: Some(Duration::from_millis(1250)),
            held: Some(Duration::from_secs(130)),
            command: Some(Some("puppet\x1b".to_owned())),
            exit_status: Some(Some(1)),
            author: Some("ann".to_owned()),
            reason: Some("hangs".to_owned()),
            ..EventData::default()
        };
        sentence(&Event { name: name.to_owned(), json: "{}".to_owned(), data, ..Event::default() })
    }

    #[test]
    fn every_event_has_its_sentence() {
        for (name, sentence) in [
            ("queued", "web1 waits, 2nd in the queue; ticket 3"),
            ("left", "web1 left the queue; ticket 3"),
            ("granted", "web1 (puppet\u{fffd}) got a slot after 1 s; token 7"),
            (
                "released",
                "web1 (puppet\u{fffd}) released its slot after 2 min, exit status 1, revoked by ann: hangs; token 7",
            ),
            (
                "expired",
                "the lease of web1 (puppet\u{fffd}) expired after 2 min, revoked by ann: hangs; token 7",
            ),
            ("revoked", "ann asked web1 to stop: hangs; token 7"),
            (
                "force_released",
                "ann force-released the slot of web1 (puppet\u{fffd}) after 2 min: hangs; token 7",
            ),
            ("paused", "ann paused it: hangs"),
            ("promoted", "ann moved web1 to the front of the queue: hangs; ticket 3"),
            ("eclipse", "eclipse {}"),
        ] {
            assert_eq!(sentence_of(name), sentence);
        }
    }
}
