//! Server-sent events (`text/event-stream`).

use std::{future::poll_fn, mem, pin::Pin, time::Duration};

use awc::{ClientResponse, http::header::CONTENT_TYPE};
use futures_core::Stream as _;
use tokio::{select, sync::mpsc, task::spawn_local, time::timeout};

use super::http::HttpReply;
use crate::{ClientError, Event, Server};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";
/// The header with the last known event.
pub(crate) const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Maximum silence: a server sends something every 15 s, if only a comment.
const MAX_SILENCE: Duration = Duration::from_secs(45);
/// Maximum number of chunks that were read and not taken.
const MAX_CHUNKS: usize = 16;
/// Maximum size of an event.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Result of requesting events.
#[derive(Debug)]
pub(crate) enum ListenResponse {
    /// A stream.
    Stream(Box<SseStream>),
    /// Another response.
    Other(HttpReply),
}

/// An event stream of a server.
#[derive(Debug)]
pub(crate) struct SseStream {
    /// The server.
    server: Server,
    /// Body of the response, or what ended it.
    chunks: mpsc::Receiver<Result<Vec<u8>, String>>,
    /// The parser.
    parser: SseParser,
}

/// Whether the response is an event stream.
pub(crate) fn is_stream(response: &ClientResponse) -> bool {
    let named = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    response.status() == 200 && named.is_some_and(|name| name.starts_with(MEDIA_TYPE))
}

impl SseStream {
    /// Starts to read the response, on the client's thread, until the stream is dropped.
    pub(crate) fn start(server: Server, response: ClientResponse) -> Self {
        let (sender, chunks) = mpsc::channel(MAX_CHUNKS);
        spawn_local(forward(response, sender));
        Self { server, chunks, parser: SseParser::default() }
    }

    /// The next events: at least one, or none if only something else arrived. Cancel-safe.
    ///
    /// # Errors
    /// When no more will arrive, whatever the cause.
    pub(crate) async fn next(&mut self) -> Result<Vec<Event>, ClientError> {
        let server = || self.server.clone();
        let bytes = match timeout(MAX_SILENCE, self.chunks.recv()).await {
            Ok(Some(Ok(bytes))) => bytes,
            Ok(Some(Err(why))) => return Err(ClientError::Broken { server: server(), why }),
            Ok(None) => {
                return Err(ClientError::Broken { server: server(), why: "the stream ended".to_owned() });
            }
            Err(_) => return Err(ClientError::Silent { server: server() }),
        };
        let read = self.parser.read(&bytes);
        read.ok_or_else(|| ClientError::Broken { server: server(), why: "an event was too long".to_owned() })
    }

    /// Id of the last event, or one that the server sent alone: the next stream begins after it.
    pub(crate) fn last_id(&self) -> Option<&str> {
        Some(self.parser.complete_id.as_str()).filter(|id| !id.is_empty())
    }

    /// The server's `retry:`, the pause before reconnecting.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.parser.retry
    }
}

/// Sends the body of a response to its reader; waits while the reader is slow.
async fn forward(mut response: ClientResponse, chunks: mpsc::Sender<Result<Vec<u8>, String>>) {
    loop {
        let next = poll_fn(|context| Pin::new(&mut response).poll_next(context));
        let chunk = select! {
            () = chunks.closed() => return,
            next = next => match next {
                Some(chunk) => chunk.map(|bytes| bytes.to_vec()).map_err(|error| error.to_string()),
                None => return,
            }
        };
        let is_last = chunk.is_err();
        if chunks.send(chunk).await.is_err() || is_last {
            return;
        }
    }
}

/// Incremental parser of events.
#[derive(Debug, Default)]
struct SseParser {
    /// The incomplete line.
    line: Vec<u8>,
    /// Whether the last byte was a CR: a following LF belongs to the same line end.
    after_cr: bool,
    /// The last id, maybe of an incomplete event.
    id: String,
    /// The last id of a complete event.
    complete_id: String,
    /// The name of the next event.
    name: String,
    /// Its data, with a line end after each line.
    data: String,
    /// The server's `retry:`.
    retry: Option<Duration>,
}

impl SseParser {
    /// The complete events. `None` if one is too long.
    fn read(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if mem::take(&mut self.after_cr) => {}
                b'\n' | b'\r' => {
                    self.after_cr = *byte == b'\r';
                    let line = mem::take(&mut self.line);
                    events.extend(self.line(&String::from_utf8_lossy(&line)));
                }
                byte => {
                    self.after_cr = false;
                    self.line.push(*byte);
                }
            }
        }
        (self.line.len() + self.data.len() <= MAX_EVENT_BYTES).then_some(events)
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field.trim_start_matches('\u{feff}') {
            "id" if !value.contains('\0') => self.id = value.to_owned(),
            "event" => self.name = value.to_owned(),
            "data" => self.data = mem::take(&mut self.data) + value + "\n",
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            _ => {} // comments have no field; other fields are not used
        }
        None
    }

    fn event(&mut self) -> Option<Event> {
        let (name, data) = (mem::take(&mut self.name), mem::take(&mut self.data));
        self.complete_id.clone_from(&self.id);
        if data.is_empty() { None } else { Event::read(&self.id, name, data.trim_end().replace('\n', " ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ": hello\nretry: 1500\n\nid: a-1\nevent: granted\n\
        data: {\"pool\":\"p\",\"host\":\"web1\",\ndata: \"token\":7,\"waited\":1.25,\"command\":null}\n\n\
        : still here\n\nevent: paused\ndata:{\"pool\":\"p\",\"author\":\"ann\",\"time\":\"2026-11-23T11:58:00Z\"}\n\n\
        data: no json\n\nid: a-3\nevent: half";

    fn in_pieces(text: &str, size: usize) -> (Vec<Event>, SseParser) {
        let mut parser = SseParser::default();
        let events = text.as_bytes().chunks(size).flat_map(|piece| parser.read(piece).unwrap()).collect();
        (events, parser)
    }

    #[test]
    fn events_are_read_wherever_they_are_cut() {
        for size in [1, 2, 7, 10_000] {
            for text in [TEXT.to_owned(), TEXT.replace('\n', "\r\n"), TEXT.replace('\n', "\r")] {
                let (events, parser) = in_pieces(&text, size);

                let [granted, paused] = events.try_into().unwrap();
                assert_eq!((granted.id.as_str(), granted.name.as_str()), ("a-1", "granted"));
                assert_eq!((granted.data.host.as_deref(), granted.data.token), (Some("web1"), Some(7)));
                assert_eq!(granted.data.waited, Some(Duration::from_millis(1250)));
                assert_eq!((paused.id.as_str(), paused.data.author.as_deref()), ("a-1", Some("ann")));
                assert!(paused.data.time.is_some() && granted.data.time.is_none());
                assert_eq!(parser.retry, Some(Duration::from_millis(1500)));
            }
        }
    }

    #[test]
    fn an_event_without_an_end_is_not_kept_for_ever() {
        let mut parser = SseParser::default();

        assert!(parser.read(&vec![b'x'; MAX_EVENT_BYTES]).is_some());
        assert!(parser.read(b"x").is_none());
    }
}
