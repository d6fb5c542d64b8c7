//! The latest news of all pools, for readers who come and go.
//!
//! ```text
//!  pools ─ post ─► │ 17 │ 18 │ 19 │ 20 │   the latest so many
//!                         ▲         ▲
//!          a reader that is behind  one that waits for the bell
//! ```
//!
//! Readers come and look; nobody waits for them. One whose next news are not kept any more is cut off: it is told
//! so when it comes back. While nobody has read for a while nothing is kept, and costs nothing.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use distributex_config::Name;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use tokio::{sync::Notify, time::Instant};

use super::{
    metrics::{INVALID_METRIC, Metrics},
    pool_event::{EventKind, PoolEvent},
};
use crate::pool::LeaseId;

/// So many readers may there be at once. Each has a connection, and gets a copy of everything.
pub const MAX_READERS: usize = 1_000;

/// Who left something unread for so long was too slow.
const MAX_READER_LAG: Duration = Duration::from_secs(5);

/// For so long after the last reader has left, news are kept for when it comes back.
const KEEP_AFTER_LAST_READER: Duration = Duration::from_secs(10 * 60);

/// So many digits of a random number name a board.
const NAME_LENGTH: usize = 8;

/// The board.
#[derive(Debug)]
pub struct EventBuffer {
    /// Tells it from the board of another process: numbers begin anew there.
    name: String,
    /// How many news are kept.
    most: usize,
    state: Mutex<BufferState>,
    /// Rings when there is something new.
    bell: Notify,
    counts: EventCounters,
}

#[derive(Debug, Default)]
struct BufferState {
    /// The latest news, the newest last, and how readers read them, once one has.
    news: VecDeque<(PoolEvent, Option<Arc<str>>)>,
    /// The number of the next one.
    next: u64,
    /// Whether no more will come.
    closed: bool,
    /// For whom they are kept.
    interest: Demand,
}

/// Who may want to read what happens.
#[derive(Debug, Default)]
enum Demand {
    /// Nobody: nothing is kept.
    #[default]
    None,
    /// Somebody reads.
    Some,
    /// The last reader left at this moment, and may come back.
    Last(Instant),
}

impl BufferState {
    /// The number of the oldest news that is kept.
    fn first(&self) -> u64 {
        self.next - self.news.len() as u64
    }

    /// Whether somebody reads, or may come back and want to know.
    fn is_wanted(&mut self) -> bool {
        match self.interest {
            Demand::None => return false,
            Demand::Last(left) if left.elapsed() > KEEP_AFTER_LAST_READER => {}
            Demand::Some | Demand::Last(_) => return true,
        }
        (self.interest, self.news) = (Demand::None, VecDeque::new());
        false
    }
}

/// What is counted here.
#[derive(Debug)]
pub(super) struct EventCounters {
    readers: IntGauge,
    cut_off: IntCounter,
    posted: IntCounterVec,
    /// The counters of `posted`, in the order of [`EventKind::WORDS`].
    by_word: Vec<IntCounter>,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadResult {
    /// What happened since it looked last; may be nothing.
    News(Vec<Arc<str>>),
    /// What came after the last news that it knows is not kept any more: it has to look how everything is. It goes on
    /// with what comes after this one.
    Missed(String),
    /// No more will come: it was too slow, or the server stops.
    End,
}

/// Somebody who reads.
#[derive(Debug)]
pub struct EventReader {
    events: Arc<EventBuffer>,
    /// The pools of interest; none: all.
    pools: HashSet<Name>,
    /// The number of the next news to look at.
    next: u64,
    /// Whether there is something that it missed, and was not told of yet.
    missed: bool,
}

impl EventBuffer {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let mut name = LeaseId::random().reveal();
        name.truncate(NAME_LENGTH);
        let state = Mutex::new(BufferState { next: 1, ..BufferState::default() });
        Arc::new(Self { name, most, state, bell: Notify::new(), counts: EventCounters::new() })
    }

    pub(super) fn counters(&self) -> &EventCounters {
        &self.counts
    }

    fn pinned(&self) -> MutexGuard<'_, BufferState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub(super) fn publish(&self, pool: &Name, what: EventKind) {
        self.counts.count(&what);
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
        drop(old); // without the lock
        self.bell.notify_waiters();
    }

    /// From now on nothing is new, and all readers are sent away.
    pub fn close(&self) {
        self.pinned().closed = true;
        self.bell.notify_waiters();
    }

    /// A reader of the news of these pools, or of all if there are none; of what comes after this one, or from now
    /// on. `None` if there are too many readers.
    #[must_use]
    pub fn reader(self: &Arc<Self>, after: Option<&str>, pools: HashSet<Name>) -> Option<EventReader> {
        let known = {
            let mut state = self.pinned();
            self.counts.readers.inc(); // under the lock, as who leaves looks whether it is the last
            state.interest = Demand::Some;
            state.first()..=state.next
        };
        let next = after.map_or(Some(*known.end()), |id| self.number(id)?.checked_add(1));
        let next = next.filter(|next| known.contains(next));
        let (events, missed) = (Arc::clone(self), next.is_none());
        let reader = EventReader { events, pools, next: next.unwrap_or(*known.end()), missed };
        (self.counts.readers.get() <= MAX_READERS as i64).then_some(reader)
    }

    /// How many readers there are.
    #[must_use]
    pub fn readers(&self) -> u32 {
        u32::try_from(self.counts.readers.get()).unwrap_or_default()
    }

    /// The name of some news, by which a reader comes back.
    #[must_use]
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.name)
    }

    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.name)?.strip_prefix('-')?.parse().ok()
    }
}

impl EventReader {
    /// What there is to read now: so many bytes, and what is left of one of the news. `render` makes a text of one,
    /// once for all readers.
    pub fn read(&mut self, bytes: usize, render: impl Fn(&PoolEvent) -> Arc<str>) -> ReadResult {
        let events = Arc::clone(&self.events);
        let mut state = events.pinned();
        if state.closed {
            return ReadResult::End;
        }
        if self.missed {
            (self.missed, self.next) = (false, state.next);
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

    /// The name of the last news that it has read or need not read, by which it comes back. `None` if it has yet to be
    /// told that it missed some.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        (!self.missed).then(|| self.events.id(self.next - 1))
    }

    /// Comes back when there may be something to read.
    pub async fn changed(&self) {
        let mut bell = std::pin::pin!(self.events.bell.notified());
        bell.as_mut().enable(); // what is posted from here on rings
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
    /// Who is sent away because it was too slow ends as anybody else does; here is the only place that sees all.
    fn drop(&mut self) {
        let EventCounters { readers, cut_off, .. } = &self.events.counts;
        let mut state = self.events.pinned();
        readers.dec();
        if readers.get() == 0 {
            state.interest = Demand::Last(Instant::now());
        }
        let is_too_slow = match self.next.checked_sub(state.first()) {
            Some(unread) => {
                let unread = usize::try_from(unread).ok().and_then(|unread| state.news.get(unread));
                unread.is_some_and(|(news, _)| news.at.elapsed().is_ok_and(|age| age >= MAX_READER_LAG))
            }
            None => true,
        };
        if is_too_slow && !state.closed {
            cut_off.inc();
        }
    }
}

impl EventCounters {
    fn new() -> Self {
        let help = "What happened to all pools, by kind";
        let posted = IntCounterVec::new(Opts::new("distributex_events_total", help), &["event"]);
        let posted = posted.expect(INVALID_METRIC);
        let gauge = IntGauge::new("distributex_event_readers", "Who reads the events now");
        let help = "Readers of events that were too slow";
        let cut_off = IntCounter::new("distributex_event_readers_cut_off_total", help);
        Self {
            readers: gauge.expect(INVALID_METRIC),
            cut_off: cut_off.expect(INVALID_METRIC),
            by_word: EventKind::WORDS.iter().map(|word| posted.with_label_values(&[word])).collect(),
            posted,
        }
    }

    fn count(&self, what: &EventKind) {
        self.by_word[what.index()].inc();
    }

    pub(super) fn register(&self, metrics: &Metrics) {
        let (readers, cut_off) = (self.readers.clone(), self.cut_off.clone());
        metrics.register(readers);
        metrics.register(cut_off);
        metrics.register(self.posted.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader who comes back with this id finds.
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
