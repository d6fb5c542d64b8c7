//! What can be seen of the pools from outside: numbers, events and history.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Telemetry`] here | what all pools share; [`PoolTelemetry`] is one pool's end of it |
//! | [`metrics`] | counters, gauges and histograms, for Prometheus |
//! | [`pool_event`] | what happened to a pool, in words that anybody may know |
//! | [`event_buffer`] | the latest news of all pools, for readers who come and go |
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

pub(crate) mod backend_calls;
pub mod event_buffer;
pub mod metrics;
mod pool;
pub mod pool_event;
mod recent_ends;
pub mod runs;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use distributex_config as config;
use distributex_config::Name;

pub use self::pool::{EndReport, PoolTelemetry};
use self::{event_buffer::EventBuffer, metrics::Metrics};

/// What all pools share.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    metrics: Option<Arc<Metrics>>,
    events: Option<Arc<EventBuffer>>,
    /// How many runs of each pool are kept.
    runs: usize,
    reach: Arc<StoreReachability>,
}

/// How many pools there are whose store can be reached, and whose store cannot.
#[derive(Debug, Default)]
struct StoreReachability {
    here: AtomicUsize,
    away: AtomicUsize,
}

impl StoreReachability {
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

impl Telemetry {
    /// What the configuration wants to be seen. The default is nothing.
    #[must_use]
    pub fn new(config: &config::Watch) -> Self {
        let metrics = config.metrics.then(Metrics::new);
        let events = (config.events > 0).then(|| EventBuffer::new(config.events));
        if let (Some(metrics), Some(events)) = (&metrics, &events) {
            events.counters().register(metrics);
        }
        Self { metrics: metrics.map(Arc::new), events, runs: config.history, reach: Arc::default() }
    }

    /// The end of this pool.
    #[must_use]
    pub fn pool(&self, name: &Name) -> PoolTelemetry {
        self.reach.count(true, false);
        PoolTelemetry::new(name.clone(), self)
    }

    /// The numbers, if they are wanted.
    #[must_use]
    pub fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    /// The latest news, if they are kept.
    #[must_use]
    pub fn events(&self) -> Option<&Arc<EventBuffer>> {
        self.events.as_ref()
    }

    /// Whether there is a pool that did not say that its store cannot be reached.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let StoreReachability { here, away } = &*self.reach;
        here.load(Ordering::Relaxed) > 0 || away.load(Ordering::Relaxed) == 0
    }
}
