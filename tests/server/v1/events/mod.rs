//! `GET /v1/events`: every event that these tests read is checked against the server's own description.

use std::collections::VecDeque;

use serde_json::Value;

use super::description;
use crate::support::{Client, Server};

mod kinds;
mod readers;
mod resume;
mod slow;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// By which a reader comes back.
    pub(crate) id: String,
    /// Its word.
    pub(crate) event: String,
    /// What it tells.
    pub(crate) data: Value,
}

/// A reader of events.
#[derive(Debug)]
pub(crate) struct Stream {
    client: Client,
    /// What came, and was not looked at.
    came: VecDeque<Told>,
}

impl Stream {
    /// Reads what happens from now on, with this behind `/v1/events`.
    pub(crate) fn of(server: &Server, query: &str) -> Self {
        Self::with(server, query, "")
    }

    /// Reads on behind the event with this id.
    pub(crate) fn after(server: &Server, id: &str) -> Self {
        Self::with(server, "", &format!("Last-Event-ID: {id}\r\n"))
    }

    /// The same with these lines in the head.
    pub(crate) fn with(server: &Server, query: &str, lines: &str) -> Self {
        let mut client = server.connect();
        client.send_raw(&format!("GET /v1/events{query} HTTP/1.1\r\nHost: test\r\n{lines}\r\n"));
        Self::begun(client)
    }

    /// Reads the beginning of the answer. What happens after this is told.
    pub(crate) fn begun(mut client: Client) -> Self {
        let (head, _) = client.whole_answer();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for line in ["content-type: text/event-stream", "cache-control: no-store"] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
        }
        assert!(client.chunk().is_some_and(|chunk| chunk.starts_with("retry: 1000\n")));
        Self { client, came: VecDeque::new() }
    }

    /// The connection.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether nothing came, a round trip after it happened.
    pub(crate) fn is_silent(&self) -> bool {
        self.came.is_empty() && self.client.is_silent()
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<Told> {
        if self.came.is_empty() {
            let chunk = self.client.chunk()?;
            let text = chunk.strip_suffix("\n\n").expect("whole events");
            self.came.extend(text.split("\n\n").map(told));
        }
        self.came.pop_front()
    }

    /// What the next event tells, which has this word.
    pub(crate) fn tells(&mut self, event: &str) -> Value {
        let told = self.next().expect("the stream ended");
        assert_eq!(told.event, event, "{told:?}");
        told.data
    }

    /// The words of the next so many events, and whom they are about.
    pub(crate) fn words(&mut self, count: usize) -> Vec<String> {
        let word = |Told { event, data, .. }| match data["host"].as_str() {
            Some(host) => format!("{event} {host}"),
            None => event,
        };
        (0..count).map(|_| word(self.next().expect("the stream ended"))).collect()
    }

    /// Reads to the end of the stream, and returns when the server has closed the connection.
    pub(crate) fn end(mut self) {
        while self.next().is_some() {}
        assert_eq!(self.client.rest(), "");
    }
}

/// The lines of an event.
fn told(text: &str) -> Told {
    let mut lines = text.split('\n');
    let mut field = |name: &str| {
        let line = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name} in {text:?}")).to_owned()
    };
    let (id, event) = (field("id"), field("event"));
    let data = serde_json::from_str(&field("data")).unwrap();
    assert_eq!(lines.next(), None, "{text:?}");
    description::check_event(&event, &data);
    Told { id, event, data }
}
