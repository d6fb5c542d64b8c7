//! Event stream, as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! ```text
//!  event buffer ── changed ──► a batch of events ──► pause ──► …
//!               └─ 15 s without ─► a comment
//! ```
//!
//! On a busy server many readers cost less if each reads a few times per second and takes everything new at once; on a
//! quiet server an event is sent immediately. The more readers there are, the longer each pauses, so that all of them
//! together read about as often as a few would.

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

/// Interval of comments without an event, so that proxies and readers see that the stream is alive.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Maximum size of a batch, beyond which at most one event is added.
const MAX_BATCH_BYTES: usize = 32 * 1024;

/// Pause after a batch.
const BATCH_INTERVAL: Duration = Duration::from_millis(50);

/// Pause after a full batch, for a reader that catches up.
const CATCH_UP_INTERVAL: Duration = Duration::from_millis(5);

/// Minimum pause per connected reader: a thousand readers read a thousand times per second in total.
const INTERVAL_PER_READER: Duration = Duration::from_millis(1);

/// Number of groups of readers with different pauses, so that they do not all read at the same moment.
const GROUPS: u32 = 16;

/// The pauses of two neighboring groups differ by this fraction.
const GROUP_DIVISOR: u32 = 50;

/// On a quiet server, the last group gets an event later by this time per connected reader.
const DELAY_PER_READER: Duration = Duration::from_micros(50);

/// Stands for an id that is not text; no event has it.
const UNKNOWN_ID: &str = "?";

/// Keeps proxies such as nginx from buffering the stream.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

/// First field: reconnect one second after the end.
const RETRY_FIELD: &str = "retry: 1000\n";

/// Comment after [`KEEPALIVE_INTERVAL`].
const KEEPALIVE_COMMENT: &str = ": still here\n";

/// A reader and what its stream needs.
pub(super) struct EventSubscription {
    reader: EventReader,
    board: Arc<EventBuffer>,
    /// Permit for its connection.
    _seat: ParkingPermit,
}

/// Parses a request for events.
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

/// Response to a `HEAD` request.
pub(super) fn head() -> HttpResponse {
    let nothing = stream::empty::<Result<Bytes, Infallible>>();
    with_headers(BoxBody::new(BodyStream::new(nothing)))
}

/// Response: events until the reader leaves or is too slow, or the server stops.
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
    response.head_mut().set_connection_type(ConnectionType::Close); // the stream has no length; it ends with the connection
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NO_BUFFER, HeaderValue::from_static("no"));
    response
}

/// State of the stream.
struct EventStream {
    reading: EventSubscription,
    /// Keeps the request marked as handled while the stream lives.
    handling: InFlight,
    /// Group, below [`GROUPS`].
    group: u32,
    /// Time of the next read; `None` before the first part.
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
                sleep(self.rest(BATCH_INTERVAL)).await; // only events of other pools, of which there may be thousands
                continue;
            }
            let rest =
                self.rest(if part.len() < MAX_BATCH_BYTES { BATCH_INTERVAL } else { CATCH_UP_INTERVAL });
            self.looks = Some(Instant::now() + rest);
            return Some(part.into());
        }
    }

    /// Pause before the next read, longer with many readers.
    fn rest(&self, usual: Duration) -> Duration {
        let rest = usual.max(INTERVAL_PER_READER * self.reading.board.readers());
        rest + rest / GROUP_DIVISOR * self.group
    }

    /// Delay of this group after an event; `None` if it is negligible.
    fn delay(&self) -> Option<Duration> {
        let delay = DELAY_PER_READER * self.reading.board.readers() / GROUPS * self.group;
        (delay >= Duration::from_millis(1)).then_some(delay)
    }

    /// A field or comment with the reader's current id, so that it resumes there and not at the last event of its
    /// pools.
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
    use distributex_actors::{
        AcquireRequest, ParkingLimit, PoolActor, PoolHandle, ReleaseTarget, Requester, Telemetry,
        backend::inmemory::InMemory,
    };
    use distributex_config as config;
    use tokio::time::pause;

    use super::*;
    use crate::server::connection::tests::connected;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// A pool with this telemetry.
    fn pool(name: Name, watch: &Telemetry) -> PoolHandle {
        let settings =
            config::Pool { name: name.clone(), expire: None, slots: 1, servers: None, max_waiters: 1 };
        let (backend, watch) =
            (Box::new(InMemory::new(settings, config::Limits::default())), watch.pool(&name));
        PoolHandle::new(PoolActor::new(name, backend, ParkingLimit::new(1), watch).start())
    }

    async fn acquire(pool: &PoolHandle, host: &str) {
        pool.acquire(AcquireRequest::new(Requester::Host(name(host)))).await.unwrap().delivered();
    }

    /// Two events of the pool.
    async fn acquire_and_release(pool: &PoolHandle) {
        acquire(pool, "ann").await;
        pool.release(ReleaseTarget::Requester(Requester::Host(name("ann"))), None).await.unwrap();
    }

    /// A started stream of events of pool `one`.
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
                acquire_and_release(&other).await;
            }
        });

        for n in 1..=3_u32 {
            assert!(stream.next().await.unwrap().starts_with(b": still here\nid: "));
            let late = start.elapsed().checked_sub(KEEPALIVE_INTERVAL * n).unwrap();
            assert!(late < BATCH_INTERVAL * 2 * n, "{late:?}");
        }
        busy.abort();
        acquire(&one, "bob").await;
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
            acquire_and_release(&pool).await;
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
            acquire_and_release(&pool).await;
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
