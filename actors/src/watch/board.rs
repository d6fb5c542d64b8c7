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
    news::{News, What},
    numbers::{NAMES_ARE_GOOD, Numbers},
};
use crate::pool::LeaseId;

/// So many readers may there be at once. Each has a connection, and gets a copy of everything.
pub const MOST_READERS: usize = 1_000;

/// Who left something unread for so long was too slow.
const SLOW: Duration = Duration::from_secs(5);

/// For so long after the last reader has left, news are kept for when it comes back.
const MEMORY: Duration = Duration::from_secs(10 * 60);

/// So many digits of a random number name a board.
const NAME_LENGTH: usize = 8;

/// The board.
#[derive(Debug)]
pub struct Board {
    /// Tells it from the board of another process: numbers begin anew there.
    name: String,
    /// How many news are kept.
    most: usize,
    pinned: Mutex<Pinned>,
    /// Rings when there is something new.
    bell: Notify,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Pinned {
    /// The latest news, the newest last, and how readers read them, once one has.
    news: VecDeque<(News, Option<Arc<str>>)>,
    /// The number of the next one.
    next: u64,
    /// Whether no more will come.
    closed: bool,
    /// For whom they are kept.
    interest: Interest,
}

/// Who may want to read what happens.
#[derive(Debug, Default)]
enum Interest {
    /// Nobody: nothing is kept.
    #[default]
    None,
    /// Somebody reads.
    Some,
    /// The last reader left at this moment, and may come back.
    Last(Instant),
}

impl Pinned {
    /// The number of the oldest news that is kept.
    fn first(&self) -> u64 {
        self.next - self.news.len() as u64
    }

    /// Whether somebody reads, or may come back and want to know.
    fn is_wanted(&mut self) -> bool {
        match self.interest {
            Interest::None => return false,
            Interest::Last(left) if left.elapsed() > MEMORY => {}
            Interest::Some | Interest::Last(_) => return true,
        }
        (self.interest, self.news) = (Interest::None, VecDeque::new());
        false
    }
}

/// What is counted here.
#[derive(Debug)]
pub(super) struct Counts {
    readers: IntGauge,
    cut_off: IntCounter,
    posted: IntCounterVec,
    /// The counters of `posted`, in the order of [`What::WORDS`].
    by_word: Vec<IntCounter>,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
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
pub struct Reader {
    board: Arc<Board>,
    /// The pools of interest; none: all.
    pools: HashSet<Name>,
    /// The number of the next news to look at.
    next: u64,
    /// Whether there is something that it missed, and was not told of yet.
    missed: bool,
}

impl Board {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let mut name = LeaseId::random().reveal();
        name.truncate(NAME_LENGTH);
        let pinned = Mutex::new(Pinned { next: 1, ..Pinned::default() });
        Arc::new(Self { name, most, pinned, bell: Notify::new(), counts: Counts::new() })
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    fn pinned(&self) -> MutexGuard<'_, Pinned> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub(super) fn post(&self, pool: &Name, what: What) {
        self.counts.count(&what);
        let mut pinned = self.pinned();
        if !pinned.is_wanted() {
            pinned.next += 1;
            return;
        }
        let at = SystemTime::now();
        let news = News { number: pinned.next, at, pool: pool.clone(), what };
        pinned.next += 1;
        let old = if pinned.news.len() == self.most { pinned.news.pop_front() } else { None };
        pinned.news.push_back((news, None));
        drop(pinned);
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
    pub fn reader(self: &Arc<Self>, after: Option<&str>, pools: HashSet<Name>) -> Option<Reader> {
        let known = {
            let mut pinned = self.pinned();
            self.counts.readers.inc(); // under the lock, as who leaves looks whether it is the last
            pinned.interest = Interest::Some;
            pinned.first()..=pinned.next
        };
        let next = after.map_or(Some(*known.end()), |id| self.number(id)?.checked_add(1));
        let next = next.filter(|next| known.contains(next));
        let (board, missed) = (Arc::clone(self), next.is_none());
        let reader = Reader { board, pools, next: next.unwrap_or(*known.end()), missed };
        (self.counts.readers.get() <= MOST_READERS as i64).then_some(reader)
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

impl Reader {
    /// What there is to read now: so many bytes, and what is left of one of the news. `render` makes a text of one,
    /// once for all readers.
    pub fn read(&mut self, bytes: usize, render: impl Fn(&News) -> Arc<str>) -> Read {
        let board = Arc::clone(&self.board);
        let mut pinned = board.pinned();
        if pinned.closed {
            return Read::End;
        }
        if self.missed {
            (self.missed, self.next) = (false, pinned.next);
            return Read::Missed(board.id(pinned.next - 1));
        }
        let Some(skip) = self.next.checked_sub(pinned.first()) else { return Read::End };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let (mut found, mut length) = (Vec::new(), 0);
        for (news, text) in pinned.news.iter_mut().skip(skip) {
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
        Read::News(found)
    }

    /// The name of the last news that it has read or need not read, by which it comes back. `None` if it has yet to be
    /// told that it missed some.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        (!self.missed).then(|| self.board.id(self.next - 1))
    }

    /// Comes back when there may be something to read.
    pub async fn something(&self) {
        let mut bell = std::pin::pin!(self.board.bell.notified());
        bell.as_mut().enable(); // what is posted from here on rings
        if !self.has_something() {
            bell.await;
        }
    }

    fn has_something(&self) -> bool {
        let pinned = self.board.pinned();
        self.missed || pinned.closed || pinned.next > self.next
    }
}

impl Drop for Reader {
    /// Who is sent away because it was too slow ends as anybody else does; here is the only place that sees all.
    fn drop(&mut self) {
        let Counts { readers, cut_off, .. } = &self.board.counts;
        let mut pinned = self.board.pinned();
        readers.dec();
        if readers.get() == 0 {
            pinned.interest = Interest::Last(Instant::now());
        }
        let is_too_slow = match self.next.checked_sub(pinned.first()) {
            Some(unread) => {
                let unread = usize::try_from(unread).ok().and_then(|unread| pinned.news.get(unread));
                unread.is_some_and(|(news, _)| news.at.elapsed().is_ok_and(|age| age >= SLOW))
            }
            None => true,
        };
        if is_too_slow && !pinned.closed {
            cut_off.inc();
        }
    }
}

impl Counts {
    fn new() -> Self {
        let help = "What happened to all pools, by kind";
        let posted = IntCounterVec::new(Opts::new("distributex_events_total", help), &["event"]);
        let posted = posted.expect(NAMES_ARE_GOOD);
        let gauge = IntGauge::new("distributex_event_readers", "Who reads the events now");
        let help = "Readers of events that were too slow";
        let cut_off = IntCounter::new("distributex_event_readers_cut_off_total", help);
        Self {
            readers: gauge.expect(NAMES_ARE_GOOD),
            cut_off: cut_off.expect(NAMES_ARE_GOOD),
            by_word: What::WORDS.iter().map(|word| posted.with_label_values(&[word])).collect(),
            posted,
        }
    }

    fn count(&self, what: &What) {
        self.by_word[what.number()].inc();
    }

    pub(super) fn count_in(&self, numbers: &Numbers) {
        let (readers, cut_off) = (self.readers.clone(), self.cut_off.clone());
        numbers.add(readers);
        numbers.add(cut_off);
        numbers.add(self.posted.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader who comes back with this id finds.
    fn found(board: &Arc<Board>, id: &str) -> Read {
        let mut reader = board.reader(Some(id), HashSet::new()).unwrap();
        reader.read(1_000, |news| news.number.to_string().into())
    }

    #[tokio::test]
    async fn news_are_kept_for_ten_minutes_after_the_last_reader_has_left() {
        tokio::time::pause();
        let (board, pool) = (Board::new(10), Name::new("p").unwrap());
        board.post(&pool, What::Away);
        let reader = board.reader(None, HashSet::new()).unwrap();
        let id = reader.id().unwrap();
        drop(reader);
        board.post(&pool, What::Back);

        tokio::time::advance(MEMORY).await;
        board.post(&pool, What::Away);
        let in_time = found(&board, &id);
        tokio::time::advance(MEMORY + Duration::from_secs(1)).await;
        board.post(&pool, What::Back);
        let too_late = found(&board, &id);

        assert_eq!(in_time, Read::News(vec!["2".into(), "3".into()]));
        assert_eq!(too_late, Read::Missed(board.id(4)));
    }
}
