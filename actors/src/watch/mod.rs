//! What can be seen of the pools from outside: numbers, events and history.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Watch`] here | what all pools share; [`PoolWatch`] is one pool's end of it |
//! | [`numbers`] | counters, gauges and histograms, for Prometheus |
//! | [`news`] | what happened to a pool, in words that anybody may know |
//! | [`board`] | the latest news of all pools, for readers who come and go |
//! | [`runs`] | the latest leases of one pool, from grant to end |
//! | `endings` | how recent leases of one pool ended, for those who held them |
//! | `calls` | how often a store was asked, and failed |
//!
//! ```text
//!  PoolActor ─ what happens ─► PoolWatch ─┬► numbers ─► scrape
//!                                         ├► board ───► readers, who are never waited for
//!                                         └► runs ────► whoever asks
//! ```
//!
//! A pool pays for all of this on the way of every grant: what is not switched on costs it one look at an
//! `Option`, and nothing here waits for anybody.

pub mod board;
pub(crate) mod calls;
mod endings;
pub mod news;
pub mod numbers;
mod pool;
pub mod runs;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use distributex_config as config;
use distributex_config::Name;

pub use self::pool::{PoolWatch, Report};
use self::{board::Board, numbers::Numbers};

/// What all pools share.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    numbers: Option<Arc<Numbers>>,
    board: Option<Arc<Board>>,
    /// How many runs of each pool are kept.
    runs: usize,
    reach: Arc<Reach>,
}

/// How many pools there are whose store can be reached, and whose store cannot.
#[derive(Debug, Default)]
struct Reach {
    here: AtomicUsize,
    away: AtomicUsize,
}

impl Reach {
    /// One more is there, or one less, with a store that is away or not.
    fn count(&self, more: bool, away: bool) {
        let pools = if away { &self.away } else { &self.here };
        if more {
            pools.fetch_add(1, Ordering::Relaxed);
        } else {
            pools.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Watch {
    /// What the configuration wants to be seen. The default is nothing.
    #[must_use]
    pub fn new(config: &config::Watch) -> Self {
        let numbers = config.metrics.then(Numbers::new);
        let board = (config.events > 0).then(|| Board::new(config.events));
        if let (Some(numbers), Some(board)) = (&numbers, &board) {
            board.counts().count_in(numbers);
        }
        Self { numbers: numbers.map(Arc::new), board, runs: config.history, reach: Arc::default() }
    }

    /// The end of this pool.
    #[must_use]
    pub fn pool(&self, name: &Name) -> PoolWatch {
        self.reach.count(true, false);
        PoolWatch::new(name.clone(), self)
    }

    /// The numbers, if they are wanted.
    #[must_use]
    pub fn numbers(&self) -> Option<&Arc<Numbers>> {
        self.numbers.as_ref()
    }

    /// The latest news, if they are kept.
    #[must_use]
    pub fn board(&self) -> Option<&Arc<Board>> {
        self.board.as_ref()
    }

    /// Whether there is a pool that did not say that its store cannot be reached.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let Reach { here, away } = &*self.reach;
        here.load(Ordering::Relaxed) > 0 || away.load(Ordering::Relaxed) == 0
    }
}
