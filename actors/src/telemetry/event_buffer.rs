//! Ring buffer of the latest events of all pools, for any number of readers.
//!
//! ```text
//!  pools ─ publish ─► │ 17 │ 18 │ 19 │ 20 │   the latest events
//!                             ▲         ▲
//!                a reader that is behind  one that waits for the next event
//! ```
//!
//! Pools never wait for readers. A reader whose next event has been overwritten is disconnected, and learns of the gap
//! when it reconnects. Without readers nothing is kept, and publishing costs next to nothing.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use distributex_config::Name;
use distributex_protocol::event::EventName;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use tokio::{sync::Notify, time::Instant};

use super::{
    metrics::{INVALID_METRIC, Metrics},
    pool_event::{EventKind, PoolEvent},
};
use crate::pool::LeaseId;

/// Maximum number of readers. Each has a connection and receives a copy of every event.
pub const MAX_READERS: usize = 1_000;

/// A reader that leaves events unread for longer is disconnected as too slow.
const MAX_READER_LAG: Duration = Duration::from_secs(5);

/// How long events are kept after the last reader has left, so that it can resume.
const KEEP_AFTER_LAST_READER: Duration = Duration::from_secs(10 * 60);

/// Length of the random part of event ids, in hexadecimal digits.
const NAME_LENGTH: usize = 8;

/// The buffer.
#[derive(Debug)]
pub struct EventBuffer {
    /// Random part of event ids: another process counts from 1 again.
    name: String,
    /// Maximum number of events kept.
    most: usize,
    state: Mutex<BufferState>,
    /// Notified of every new event.
    changed: Notify,
    counts: EventCounters,
}

#[derive(Debug, Default)]
struct BufferState {
    /// The latest events, the newest last, each with its rendered text once a reader has read it.
    news: VecDeque<(PoolEvent, Option<Arc<str>>)>,
    /// Sequence number of the next event.
    next: u64,
    /// Whether the buffer was closed.
    closed: bool,
    /// Whether there are readers to keep events for.
    demand: Demand,
}

/// Whether events have to be kept.
#[derive(Debug, Default)]
enum Demand {
    /// No reader: nothing is kept.
    #[default]
    None,
    /// At least one reader.
    Some,
    /// The last reader left at this moment and may reconnect.
    Last(Instant),
}

impl BufferState {
    /// Sequence number of the oldest event kept.
    fn first(&self) -> u64 {
        self.next - self.news.len() as u64
    }

    /// Whether events have to be kept; forgets a last reader that has been gone for too long.
    fn is_wanted(&mut self) -> bool {
        match self.demand {
            Demand::None => return false,
            Demand::Last(left) if left.elapsed() > KEEP_AFTER_LAST_READER => {}
            Demand::Some | Demand::Last(_) => return true,
        }
        (self.demand, self.news) = (Demand::None, VecDeque::new());
        false
    }
}

/// Counters of events and readers.
#[derive(Debug)]
pub(super) struct EventCounters {
    readers: IntGauge,
    disconnected: IntCounter,
    posted: IntCounterVec,
    /// The counters of `posted`, in the order of [`EventName::ALL`].
    by_name: Vec<IntCounter>,
}

/// Result of a read.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadResult {
    /// Rendered events since the last read; may be empty.
    News(Vec<Arc<str>>),
    /// Events after the reader's last one are no longer kept: it has to read the state of the pools. The id is the one
    /// to resume after.
    Missed(String),
    /// The end: the reader was too slow, or the server stops.
    End,
}

/// Reader of the events of some pools.
#[derive(Debug)]
pub struct EventReader {
    events: Arc<EventBuffer>,
    /// The pools; empty: all.
    pools: HashSet<Name>,
    /// Sequence number of the next event to read.
    next: u64,
    /// Whether the reader missed events and has not been notified yet.
    missed: bool,
}

impl EventBuffer {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let mut name = LeaseId::random().reveal();
        name.truncate(NAME_LENGTH);
        let state = Mutex::new(BufferState { next: 1, ..BufferState::default() });
        Arc::new(Self { name, most, state, changed: Notify::new(), counts: EventCounters::new() })
    }

    pub(super) fn counters(&self) -> &EventCounters {
        &self.counts
    }

    fn pinned(&self) -> MutexGuard<'_, BufferState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an event.
    pub(super) fn publish(&self, pool: &Name, what: EventKind) {
        self.counts.count(what.name());
        let mut state = self.pinned();
        if !state.is_wanted() {
            state.next += 1;
            return;
        }
        let at = SystemTime::now();
        let news = PoolEvent { number: state.next, at, pool: pool.clone(), what };
        state.next += 1;
        let old = if state.news.len() == self.most { state.news.pop_front() } else { None };
        state.news.push_back((news, None));
        drop(state);
        drop(old); // freed after the lock is released
        self.changed.notify_waiters();
    }

    /// Appends nothing from now on and disconnects all readers.
    pub fn close(&self) {
        self.pinned().closed = true;
        self.changed.notify_waiters();
    }

    /// Creates a reader of these pools' events (empty: of all) that resumes after the event id `after`, or begins with
    /// the next event. `None` if there are too many readers.
    #[must_use]
    pub fn reader(self: &Arc<Self>, after: Option<&str>, pools: HashSet<Name>) -> Option<EventReader> {
        let known = {
            let mut state = self.pinned();
            self.counts.readers.inc(); // counted under the lock: a reader that leaves checks whether it is the last
            state.demand = Demand::Some;
            state.first()..=state.next
        };
        let next = after.map_or(Some(*known.end()), |id| self.number(id)?.checked_add(1));
        let next = next.filter(|next| known.contains(next));
        let (events, missed) = (Arc::clone(self), next.is_none());
        let reader = EventReader { events, pools, next: next.unwrap_or(*known.end()), missed };
        (self.counts.readers.get() <= MAX_READERS as i64).then_some(reader)
    }

    /// Number of readers.
    #[must_use]
    pub fn readers(&self) -> u32 {
        u32::try_from(self.counts.readers.get()).unwrap_or_default()
    }

    /// Id of an event, from which a reader can resume.
    #[must_use]
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.name)
    }

    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.name)?.strip_prefix('-')?.parse().ok()
    }
}

impl EventReader {
    /// Reads about `bytes` of events, at least one. `render` formats an event, once for all readers.
    pub fn read(&mut self, bytes: usize, render: impl Fn(&PoolEvent) -> Arc<str>) -> ReadResult {
        let events = Arc::clone(&self.events);
        let mut state = events.pinned();
        if state.closed {
            return ReadResult::End;
        }
        if self.missed {
            (self.missed, self.next) = (false, state.next);
            events.counters().count(EventName::Missed);
            return ReadResult::Missed(events.id(state.next - 1));
        }
        let Some(skip) = self.next.checked_sub(state.first()) else { return ReadResult::End };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let (mut found, mut length) = (Vec::new(), 0);
        for (news, text) in state.news.iter_mut().skip(skip) {
            if length >= bytes {
                break;
            }
            self.next = news.number + 1;
            if self.pools.is_empty() || self.pools.contains(&news.pool) {
                let text = Arc::clone(text.get_or_insert_with(|| render(news)));
                length += text.len();
                found.push(text);
            }
        }
        ReadResult::News(found)
    }

    /// Id to resume after; `None` while the reader has to be notified of missed events.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        (!self.missed).then(|| self.events.id(self.next - 1))
    }

    /// Returns when there may be something to read.
    pub async fn changed(&self) {
        let mut bell = std::pin::pin!(self.events.changed.notified());
        bell.as_mut().enable(); // events published from here on are noticed
        if !self.has_changed() {
            bell.await;
        }
    }

    fn has_changed(&self) -> bool {
        let state = self.events.pinned();
        self.missed || state.closed || state.next > self.next
    }
}

impl Drop for EventReader {
    /// The only place that every reader passes, those too slow included.
    fn drop(&mut self) {
        let EventCounters { readers, disconnected, .. } = &self.events.counts;
        let mut state = self.events.pinned();
        readers.dec();
        if readers.get() == 0 {
            state.demand = Demand::Last(Instant::now());
        }
        let is_too_slow = match self.next.checked_sub(state.first()) {
            Some(unread) => {
                let unread = usize::try_from(unread).ok().and_then(|unread| state.news.get(unread));
                unread.is_some_and(|(news, _)| news.at.elapsed().is_ok_and(|age| age >= MAX_READER_LAG))
            }
            None => true,
        };
        if is_too_slow && !state.closed {
            disconnected.inc();
        }
    }
}

impl EventCounters {
    fn new() -> Self {
        let help = "Events of all pools, by name; missed: times a reader missed events.";
        let posted = IntCounterVec::new(Opts::new("distributex_events_total", help), &["event"]);
        let posted = posted.expect(INVALID_METRIC);
        let gauge = IntGauge::new("distributex_event_readers", "Connected readers of the event stream.");
        let help = "Readers of the event stream disconnected as too slow.";
        let disconnected = IntCounter::new("distributex_event_readers_disconnected_total", help);
        Self {
            readers: gauge.expect(INVALID_METRIC),
            disconnected: disconnected.expect(INVALID_METRIC),
            by_name: EventName::ALL.iter().map(|name| posted.with_label_values(&[name.word()])).collect(),
            posted,
        }
    }

    fn count(&self, name: EventName) {
        self.by_name[name as usize].inc();
    }

    pub(super) fn register(&self, metrics: &Metrics) {
        let (readers, disconnected) = (self.readers.clone(), self.disconnected.clone());
        metrics.register(readers);
        metrics.register(disconnected);
        metrics.register(self.posted.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads with a reader that resumes after this id.
    fn found(events: &Arc<EventBuffer>, id: &str) -> ReadResult {
        let mut reader = events.reader(Some(id), HashSet::new()).unwrap();
        reader.read(1_000, |news| news.number.to_string().into())
    }

    #[tokio::test]
    async fn news_are_kept_for_ten_minutes_after_the_last_reader_has_left() {
        tokio::time::pause();
        let (events, pool) = (EventBuffer::new(10), Name::new("p").unwrap());
        events.publish(&pool, EventKind::StoreDown);
        let reader = events.reader(None, HashSet::new()).unwrap();
        let id = reader.id().unwrap();
        drop(reader);
        events.publish(&pool, EventKind::StoreUp);

        tokio::time::advance(KEEP_AFTER_LAST_READER).await;
        events.publish(&pool, EventKind::StoreDown);
        let in_time = found(&events, &id);
        tokio::time::advance(KEEP_AFTER_LAST_READER + Duration::from_secs(1)).await;
        events.publish(&pool, EventKind::StoreUp);
        let too_late = found(&events, &id);

        assert_eq!(in_time, ReadResult::News(vec!["2".into(), "3".into()]));
        assert_eq!(too_late, ReadResult::Missed(events.id(4)));
    }
}
