//! Telemetry of the pools: metrics, events and history.
//!
//! | part | content |
//! | --- | --- |
//! | [`Telemetry`] | shared by all pools; [`PoolTelemetry`] is the part of one pool |
//! | [`metrics`] | counters, gauges and histograms for Prometheus |
//! | [`pool_event`] | an event of a pool, without secrets |
//! | [`event_buffer`] | the latest events of all pools, for readers of the stream |
//! | [`runs`] | the latest ended leases of one pool |
//! | `recent_ends` | why recent leases of one pool ended, for their former holders |
//! | `backend_calls` | counters of calls to a store |
//!
//! ```text
//!  PoolActor ──► PoolTelemetry ─┬► metrics ─► scrape
//!                               ├► event buffer ─► readers, which are never waited for
//!                               └► runs ─► history
//! ```
//!
//! A pool pays for this in every grant: what is disabled costs one check of an `Option`, and nothing here blocks.

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

/// Telemetry shared by all pools.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    metrics: Option<Arc<Metrics>>,
    events: Option<Arc<EventBuffer>>,
    /// Number of runs kept per pool.
    runs: usize,
    reach: Arc<StoreReachability>,
}

/// Numbers of pools whose store can and cannot be reached.
#[derive(Debug, Default)]
struct StoreReachability {
    here: AtomicUsize,
    away: AtomicUsize,
}

impl StoreReachability {
    /// Adds or subtracts one pool.
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
    /// Creates what the configuration enables; the default is nothing.
    #[must_use]
    pub fn new(config: &config::TelemetrySettings) -> Self {
        let metrics = config.metrics.then(Metrics::new);
        let events = (config.event_buffer > 0).then(|| EventBuffer::new(config.event_buffer));
        if let (Some(metrics), Some(events)) = (&metrics, &events) {
            events.counters().register(metrics);
        }
        Self { metrics: metrics.map(Arc::new), events, runs: config.history_runs, reach: Arc::default() }
    }

    /// Creates the part of this pool.
    #[must_use]
    pub fn pool(&self, name: &Name) -> PoolTelemetry {
        self.reach.count(true, false);
        PoolTelemetry::new(name.clone(), self)
    }

    /// The metrics; `None` if they are disabled.
    #[must_use]
    pub fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    /// The event buffer; `None` if it is disabled.
    #[must_use]
    pub fn events(&self) -> Option<&Arc<EventBuffer>> {
        self.events.as_ref()
    }

    /// Whether the store of at least one pool is not known to be unreachable.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let StoreReachability { here, away } = &*self.reach;
        here.load(Ordering::Relaxed) > 0 || away.load(Ordering::Relaxed) == 0
    }
}
