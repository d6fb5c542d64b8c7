//! The `events` command: prints events, one per line.

use std::{io, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::{select, time::sleep};

use super::{
    CtlOutcome, OutputStyle,
    event_text::sentence,
    failed,
    format::clean,
    output::{is_closed, print},
    style::Style,
};
use crate::program::{console::Console, interruption::unless_stopped, outage::OutageReporter};
use distributex_client::{Client, ClientError, Event, Events};

/// Interval of checks whether the reader of standard output is still there.
const STDOUT_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Prints events of these pools, or of all, until a signal arrives or standard output is closed.
pub(super) async fn run(
    client: &Client,
    pools: &[String],
    look: OutputStyle,
    console: Console,
) -> Result<(), CtlOutcome> {
    let mut signals = super::signals(console)?;
    let printing = print_events(client.events(pools), look, console);
    unless_stopped(printing, None, &mut signals).await.unwrap_or_else(|stop| Err(super::stopped(stop)))
}

async fn print_events(mut events: Events, look: OutputStyle, console: Console) -> Result<(), CtlOutcome> {
    let (mut outage, mut is_first) = (OutageReporter::new(), true);
    loop {
        let event = select! {
            event = events.next() => event,
            () = unread() => return Ok(()),
        };
        match event {
            Ok(event) => {
                outage = OutageReporter::new();
                let line = if look.json { document(&event) } else { Some(line(&event, look.colored)) };
                match line.map_or(Ok(()), |line| print(&line)) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    Err(error) => {
                        console.error(format_args!("cannot write to standard output: {error}"));
                        return Err(CtlOutcome::System);
                    }
                }
            }
            // A wrong server name is an error at once; a server that was reached before may return.
            Err(error) if is_first && matches!(error, ClientError::Unreachable { .. }) => {
                return Err(failed(&error, console));
            }
            Err(error) if error.is_transient() => outage.report(&error.to_string(), events.pause(), console),
            Err(error) => return Err(failed(&error, console)),
        }
        is_first = false;
    }
}

/// Waits until the reader of standard output is gone.
pub(super) async fn unread() {
    while !is_closed() {
        sleep(STDOUT_CHECK_INTERVAL).await;
    }
}

/// Formats an event for people: time, pool, sentence.
fn line(event: &Event, colored: bool) -> String {
    let time = event.data.time.and_then(|time| Timestamp::try_from(time).ok());
    let time = time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    let words = [time, event.data.pool.as_deref().map(clean), Some(sentence(event))];
    let line = words.into_iter().flatten().collect::<Vec<_>>().join("  ");
    format!("{}\n", paint(event).on(&line, colored))
}

fn paint(event: &Event) -> Style {
    match event.name.as_str() {
        "vanished" | "expired" | "force_released" | "renewal_refused" | "store_down" | "missed" => Style::Red,
        "released" if event.data.exit_status.flatten().is_some_and(|status| status != 0) => Style::Red,
        "paused" => Style::Yellow,
        _ => Style::Plain,
    }
}

/// Formats an event as JSON on one line.
fn document(event: &Event) -> Option<String> {
    #[derive(Serialize)]
    struct EventDocument<'a> {
        event: &'a str,
        id: &'a str,
        #[serde(flatten)]
        data: Map<String, Value>,
    }
    let mut data: Map<String, Value> = serde_json::from_str(&event.json).ok()?;
    data.retain(|key, _| key != "event" && key != "id");
    let line = EventDocument { event: &event.name, id: &event.id, data };
    serde_json::to_string(&line).ok().map(|json| super::output::document(&json))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use distributex_client::EventData;

    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event = Event {
            id: "s-1".to_owned(),
            name: "paused".to_owned(),
            json: r#"{"pool":"p","token":17948000000000001,"id":"no"}"#.to_owned(),
            data: EventData {
                pool: Some("p\n".to_owned()),
                time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_080)),
                author: Some("ann".to_owned()),
                reason: Some("kernel update".to_owned()),
                ..EventData::default()
            },
        };

        assert_eq!(line(&event, false), "2026-11-23 11:58:00 UTC  p\u{fffd}  ann paused it: kernel update\n");
        assert!(line(&event, true).starts_with("\x1b[33m2026"));
        assert_eq!(
            document(&event).unwrap(),
            "{\"event\":\"paused\",\"id\":\"s-1\",\"pool\":\"p\",\"token\":17948000000000001}\n"
        );
    }
}
