//! Events out: what happens to the pools, as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! ```text
//!  board ── something new ──► a batch of events ──► rest a little ──► …
//!        └─ nothing for 15 s ─► a comment
//! ```
//!
//! Many readers of a busy server cost less when each looks a few times a second and takes all that is new at once; on
//! a quiet server an event is sent in the moment it happens. The more readers there are, the longer each rests: all of
//! them together look about as often as a few would, and the pools do not notice them.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpResponse,
    body::{BodyStream, BoxBody},
    dev::ServiceRequest,
    http::{
        ConnectionType, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue},
    },
    web::Bytes,
};
use distributex_actors::{
    ParkingPermit, Pools, Refusal, Registry,
    telemetry::{
        event_buffer::{EventBuffer, EventReader, ReadResult},
        pool_event::PoolEvent,
    },
};
use distributex_config::Name;
use distributex_protocol::error::ErrorKind;
use futures_util::stream;
use tokio::{
    select,
    time::{Instant, sleep, sleep_until},
};

use super::{error::V1Error, event};
use crate::server::{
    connection::{InFlight, Peer},
    query,
};

/// A comment is sent after so long without an event, so that proxies and readers see that the stream lives.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// So many bytes of events are sent at once, and what is left of one: more would only wait for a slow reader.
const MAX_BATCH_BYTES: usize = 32 * 1024;

/// After a batch, the next look comes no sooner.
const BATCH_INTERVAL: Duration = Duration::from_millis(50);

/// Unless there was more: who catches up rests so long.
const CATCH_UP_INTERVAL: Duration = Duration::from_millis(5);

/// But every rest is at least so long for each reader there is: a thousand of them look a thousand times a second.
const INTERVAL_PER_READER: Duration = Duration::from_millis(1);

/// Readers who came together do not all look in the same moment: each is one of so many groups.
const GROUPS: u32 = 16;

/// The rests of two groups differ by this part.
const GROUP_DIVISOR: u32 = 50;

/// An event on a quiet server is sent to the last group so much later for each reader there is.
const DELAY_PER_READER: Duration = Duration::from_micros(50);

/// Stands for an id that is no text: nobody knows it.
const UNKNOWN_ID: &str = "?";

/// Tells proxies of nginx's kind not to collect the events before they pass them on.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What is said first: come back a second after the end.
const RETRY_FIELD: &str = "retry: 1000\n";

/// What is said after a silence.
const KEEPALIVE_COMMENT: &str = ": still here\n";

/// Somebody who will read events, with what the stream needs for as long as it lives.
pub(super) struct EventSubscription {
    reader: EventReader,
    board: Arc<EventBuffer>,
    /// Room for its connection.
    _seat: ParkingPermit,
}

/// Who wants to read what, and from where on.
pub(super) fn reading(
    request: &ServiceRequest,
    pools: &Pools,
    registry: &Registry,
    peer: &Peer,
) -> Result<EventSubscription, V1Error> {
    let board = registry.telemetry().events().ok_or_else(|| {
        let message = "events are disabled (event_buffer: 0)";
        V1Error::new(ErrorKind::NotFound, message)
    })?;
    let names = query::parameters(request.query_string(), "pool").map(|name| known(name.as_deref(), pools));
    let names = names.collect::<Result<_, _>>()?;
    if registry.is_draining() {
        return Err(V1Error::new(ErrorKind::Draining, Refusal::Draining.to_string()));
    }
    let header = request.headers().get("Last-Event-ID").map(|id| id.to_str().unwrap_or(UNKNOWN_ID));
    let mut queries = query::parameters(request.query_string(), "last_event_id");
    let query = queries.next().map(|id| id.unwrap_or(UNKNOWN_ID.into()));
    let after = header.or(query.as_deref()).filter(|id| !id.is_empty());
    let permit = registry.park(peer.address());
    let full = || V1Error::new(ErrorKind::TooManyReaders, "too many event readers; retry shortly");
    let (permit, reader) = permit.zip(board.reader(after, names)).ok_or_else(full)?;
    Ok(EventSubscription { reader, board: Arc::clone(board), _seat: permit })
}

fn known(name: Option<&str>, pools: &Pools) -> Result<Name, V1Error> {
    let name = name.unwrap_or_default();
    pools.named(name).map(|(name, _)| name.clone()).ok_or_else(|| V1Error::no_such_pool(name))
}

/// The answer to a request that only wants to know what it would get.
pub(super) fn head() -> HttpResponse {
    let nothing = stream::empty::<Result<Bytes, Infallible>>();
    with_headers(BoxBody::new(BodyStream::new(nothing)))
}

/// The answer: events until the reader goes or is too slow, or the server stops.
pub(super) fn answer(reading: EventSubscription, handling: InFlight) -> HttpResponse {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let group = COUNT.fetch_add(1, Ordering::Relaxed) % GROUPS;
    let stream = EventStream { reading, handling, group, looks: None };
    let parts = stream::unfold(stream, |mut stream| async move {
        let part = stream.next().await?;
        Some((Ok::<_, Infallible>(part), stream))
    });
    with_headers(BoxBody::new(BodyStream::new(parts)))
}

fn with_headers(body: BoxBody) -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::OK, body);
    response.head_mut().set_connection_type(ConnectionType::Close); // the end of the stream is that of the reader
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NO_BUFFER, HeaderValue::from_static("no"));
    response
}

/// What is sent.
struct EventStream {
    reading: EventSubscription,
    /// The request is handled for as long as the stream lives.
    handling: InFlight,
    /// Which of the [`GROUPS`] it is in.
    group: u32,
    /// When to look next; `None` before the beginning.
    looks: Option<Instant>,
}

impl EventStream {
    /// The next part; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        let Some(looks) = self.looks else {
            self.handling.park();
            self.looks = Some(Instant::now());
            return Some(self.aside(RETRY_FIELD));
        };
        sleep_until(looks).await;
        let silence = sleep(KEEPALIVE_INTERVAL);
        let mut silence = std::pin::pin!(silence);
        loop {
            select! {
                biased;
                () = &mut silence => return Some(self.aside(KEEPALIVE_COMMENT)),
                () = self.reading.reader.changed() => {}
            }
            if let Some(delay) = self.delay() {
                sleep(delay).await;
            }
            let render = |news: &PoolEvent| event::text(news, &self.reading.board.id(news.number));
            let part = match self.reading.reader.read(MAX_BATCH_BYTES, render) {
                ReadResult::News(events) => events.concat(),
                ReadResult::Missed(id) => missed(&id),
                ReadResult::End => return None,
            };
            if part.is_empty() {
                sleep(self.rest(BATCH_INTERVAL)).await; // it was about pools that are not read: there may be thousands such events
                continue;
            }
            let rest =
                self.rest(if part.len() < MAX_BATCH_BYTES { BATCH_INTERVAL } else { CATCH_UP_INTERVAL });
            self.looks = Some(Instant::now() + rest);
            return Some(part.into());
        }
    }

    /// How long to rest: so long, or longer where there are many readers.
    fn rest(&self, usual: Duration) -> Duration {
        let rest = usual.max(INTERVAL_PER_READER * self.reading.board.readers());
        rest + rest / GROUP_DIVISOR * self.group
    }

    /// How much later than it happens an event is read, where not all readers can be the first.
    fn delay(&self) -> Option<Duration> {
        let delay = DELAY_PER_READER * self.reading.board.readers() / GROUPS * self.group;
        (delay >= Duration::from_millis(1)).then_some(delay)
    }

    /// Something that is no event, and the id of where the reader is: it has been told, or need not be told, of all
    /// until then, and would otherwise come back to where the last event of its pools was.
    fn aside(&self, words: &str) -> Bytes {
        let id = self.reading.reader.id().map(|id| format!("id: {id}\n")).unwrap_or_default();
        format!("{words}{id}\n").into()
    }
}

fn missed(id: &str) -> String {
    const DATA: &str =
        "{\"message\":\"events were dropped since your last id; read the pools' state again\"}";
    format!("id: {id}\nevent: missed\ndata: {DATA}\n\n")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use actix::Actor as _;
    use distributex_actors::{ParkingLimit, PoolActor, PoolHandle, Telemetry, backend::inmemory::InMemory};
    use distributex_config as config;
    use tokio::time::pause;

    use super::*;
    use crate::server::connection::tests::connected;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// A pool of this name that is watched so.
    fn pool(name: Name, watch: &Telemetry) -> PoolHandle {
        let settings =
            config::Pool { name: name.clone(), expire: None, slots: 1, servers: None, max_waiters: 1 };
        let (backend, watch) =
            (Box::new(InMemory::new(settings, config::Limits::default())), watch.pool(&name));
        PoolHandle::new(PoolActor::new(name, backend, ParkingLimit::new(1), watch).start())
    }

    /// A stream that has begun, of what happens to pool `one`.
    async fn begun(watch: &Telemetry) -> EventStream {
        let (connection, _) = connected().await;
        let board = Arc::clone(watch.events().unwrap());
        let reader = board.reader(None, HashSet::from([name("one")])).unwrap();
        let reading = EventSubscription { reader, board, _seat: ParkingLimit::new(1).take(None).unwrap() };
        let handling = connection.peer().begin();
        let mut stream = EventStream { reading, handling, group: 0, looks: None };
        assert!(stream.next().await.unwrap().starts_with(b"retry: 1000\nid: "));
        stream
    }

    #[actix::test]
    async fn a_comment_is_sent_every_fifteen_seconds_in_which_nothing_happens_to_the_pools_of_interest() {
        let watch = Telemetry::new(&config::TelemetrySettings::default());
        let (one, other) = (pool(name("one"), &watch), pool(name("other"), &watch));
        let mut stream = begun(&watch).await;
        pause();
        let start = Instant::now();
        let busy = actix_web::rt::spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                other.get(name("ann")).await.unwrap().delivered();
                other.release_host(name("ann")).await.unwrap();
            }
        });

        for n in 1..=3_u32 {
            assert!(stream.next().await.unwrap().starts_with(b": still here\nid: "));
            let late = start.elapsed().checked_sub(KEEPALIVE_INTERVAL * n).unwrap();
            assert!(late < BATCH_INTERVAL * 2 * n, "{late:?}");
        }
        busy.abort();
        one.get(name("bob")).await.unwrap().delivered();
        let event = stream.next().await.unwrap();
        assert!(event.starts_with(b"id: ") && event.ends_with(b"\n\n"), "{event:?}");
    }

    #[actix::test]
    async fn a_thousand_readers_look_once_a_second_each() {
        let watch = Telemetry::new(&config::TelemetrySettings {
            event_buffer: 100_000,
            ..config::TelemetrySettings::default()
        });
        let pool = pool(name("one"), &watch);
        let board = Arc::clone(watch.events().unwrap());
        let mut stream = begun(&watch).await;
        let _others: Vec<_> = (1..1_000).map(|_| board.reader(None, HashSet::new()).unwrap()).collect();
        for _ in 0..2_000 {
            pool.get(name("ann")).await.unwrap().delivered();
            pool.release_host(name("ann")).await.unwrap();
        }
        pause();
        let start = Instant::now();

        for _ in 0..5 {
            stream.next().await.unwrap();
        }

        assert!(start.elapsed() >= Duration::from_secs(4), "{:?}", start.elapsed());
    }

    #[actix::test]
    async fn who_catches_up_gets_little_at_a_time_but_often() {
        let watch = Telemetry::new(&config::TelemetrySettings {
            event_buffer: 10_000,
            ..config::TelemetrySettings::default()
        });
        let pool = pool(name("one"), &watch);
        let mut stream = begun(&watch).await;
        for _ in 0..2_000 {
            pool.get(name("ann")).await.unwrap().delivered();
            pool.release_host(name("ann")).await.unwrap();
        }
        pause();
        let (start, mut events) = (Instant::now(), 0);

        while events < 4_000 {
            let part = stream.next().await.unwrap();
            assert!(part.len() < MAX_BATCH_BYTES + 1024, "{}", part.len());
            events += part.windows(4).filter(|bytes| bytes == b"id: ").count();
        }

        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    }
}
