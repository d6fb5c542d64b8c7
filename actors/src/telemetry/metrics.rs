//! Prometheus metrics: counters, gauges and histograms.
//!
//! Names follow <https://prometheus.io/docs/practices/naming/>: a counter ends with `_total`, times are in seconds.
//! The only label whose values grow in number is `pool`, which the configuration limits.

use std::{
    cell::OnceCell,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use distributex_config::Name;
use distributex_protocol::error::ErrorKind;
use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, TextEncoder, core::Collector,
};
use tokio::time::Instant;

use crate::pool::{EndReason, PoolCounts, Refusal};

/// Message of a panic that no test lets pass: all names are constants.
pub(super) const INVALID_METRIC: &str = "metrics have proper names, each of its own";

/// Bucket bounds of waits and holds, in seconds: from 10 ms to a day.
const LONG_BUCKETS: [f64; 10] = [0.01, 0.1, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 14_400.0, 86_400.0];

/// Bucket bounds of handovers, in seconds.
const SHORT_BUCKETS: [f64; 11] = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1.0, 5.0];

/// Reasons for which an acquire is refused.
const REFUSALS: [ErrorKind; 10] = [
    ErrorKind::PoolFull,
    ErrorKind::WaitTimeout,
    ErrorKind::PoolPaused,
    ErrorKind::Evicted,
    ErrorKind::Superseded,
    ErrorKind::QueueFull,
    ErrorKind::HostNotAllowed,
    ErrorKind::NoSuchPool,
    ErrorKind::Draining,
    ErrorKind::BackendDown,
];

/// No timestamp.
const NEVER: u64 = u64::MAX;

/// All metrics of the server.
#[derive(Debug)]
pub struct Metrics {
    /// Everything below, and what other parts registered.
    all: Collectors,
    /// Origin of the timestamps in `aging`.
    start: Instant,
    slots: IntGaugeVec,
    held: IntGaugeVec,
    waiting: IntGaugeVec,
    paused: IntGaugeVec,
    up: IntGaugeVec,
    oldest_hold: GaugeVec,
    oldest_wait: GaugeVec,
    grants: IntCounterVec,
    ends: IntCounterVec,
    refusals: IntCounterVec,
    renewals: IntCounterVec,
    renewals_refused: IntCounterVec,
    undelivered: IntCounterVec,
    wait: HistogramVec,
    hold: HistogramVec,
    handover: Histogram,
    /// Length of the last text, in bytes.
    length: AtomicUsize,
    /// Timestamps from which ages are computed at a scrape.
    aging: Mutex<Vec<(Arc<OldestTimestamps>, Gauge, Gauge)>>,
}

/// All collectors, in the order of the text. The library's registry would sort the series of each metric at every
/// scrape, which takes as long as all the rest.
struct Collectors(Mutex<Vec<Box<dyn Collector>>>);

impl Collectors {
    fn lock(&self) -> MutexGuard<'_, Vec<Box<dyn Collector>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Collectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "All({})", self.lock().len())
    }
}

/// When the oldest lease began and the first waiter was queued, in microseconds since the start.
#[derive(Debug)]
struct OldestTimestamps {
    held: AtomicU64,
    waiting: AtomicU64,
}

/// Metrics of one pool; its series are removed when this is dropped.
#[derive(Debug)]
pub(super) struct PoolMetrics {
    pool: Name,
    all: Arc<Metrics>,
    slots: IntGauge,
    held: IntGauge,
    waiting: IntGauge,
    paused: IntGauge,
    up: IntGauge,
    aging: Arc<OldestTimestamps>,
    grants: IntCounter,
    ends: [IntCounter; 5],
    /// Created on first use: most pools refuse for few reasons, and each is one more line of a scrape.
    refusals: [OnceCell<IntCounter>; REFUSALS.len()],
    renewals: IntCounter,
    renewals_refused: IntCounter,
    undelivered: IntCounter,
    wait: Histogram,
    hold: Histogram,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut all = Vec::new();
        let named = |name: &str, help: &str| Opts::new(name, help);
        let gauge = |all: &mut _, name, help| kept(all, IntGaugeVec::new(named(name, help), &["pool"]));
        let age = |all: &mut _, name, help| kept(all, GaugeVec::new(named(name, help), &["pool"]));
        let counter = |all: &mut _, name, help, labels: &[&str]| {
            kept(all, IntCounterVec::new(named(name, help), labels))
        };
        let times = |all: &mut _, name: &str, help: &str| {
            let opts = HistogramOpts::new(name, help).buckets(LONG_BUCKETS.to_vec());
            kept(all, HistogramVec::new(opts, &["pool"]))
        };
        let help = "Time from a slot's release to the response to its next holder, a waiter.";
        let handover =
            HistogramOpts::new("distributex_handover_seconds", help).buckets(SHORT_BUCKETS.to_vec());
        let handover = kept(&mut all, Histogram::with_opts(handover));
        Self {
            start: Instant::now(),
            slots: gauge(&mut all, "distributex_pool_slots", "Maximum number of leases."),
            held: gauge(&mut all, "distributex_pool_held", "Current number of leases."),
            waiting: gauge(&mut all, "distributex_pool_waiting", "Waiters in the queue of this server."),
            paused: gauge(&mut all, "distributex_pool_paused", "1 while an operator has paused the pool."),
            up: gauge(&mut all, "distributex_pool_store_up", "1 while the store of the pool is reachable."),
            oldest_hold: age(&mut all, "distributex_pool_oldest_hold_seconds", "Age of the oldest lease."),
            oldest_wait: age(
                &mut all,
                "distributex_pool_oldest_wait_seconds",
                "Time the first waiter has waited.",
            ),
            grants: counter(&mut all, "distributex_grants_total", "Leases granted.", &["pool"]),
            ends: counter(
                &mut all,
                "distributex_leases_ended_total",
                "Leases ended, by reason.",
                &["pool", "reason"],
            ),
            refusals: counter(
                &mut all,
                "distributex_acquire_refused_total",
                "Acquire requests that got no slot, by reason.",
                &["pool", "reason"],
            ),
            renewals: counter(&mut all, "distributex_renewals_total", "Successful renewals.", &["pool"]),
            undelivered: counter(
                &mut all,
                "distributex_undelivered_total",
                "Grants that no response carried to their requester.",
                &["pool"],
            ),
            renewals_refused: counter(
                &mut all,
                "distributex_renewals_refused_total",
                "Renewals that came after the lease had ended.",
                &["pool"],
            ),
            wait: times(&mut all, "distributex_wait_seconds", "Time holders had waited in the queue."),
            hold: times(&mut all, "distributex_hold_seconds", "Time leases were held."),
            handover,
            length: AtomicUsize::new(0),
            aging: Mutex::default(),
            all: Collectors(Mutex::new(all)),
        }
    }

    /// Adds a collector.
    pub fn register(&self, counted: impl Collector + 'static) {
        self.all.lock().push(Box::new(counted));
    }

    /// All metrics in the text format 0.0.4 of Prometheus. Takes milliseconds with thousands of pools.
    ///
    /// # Panics
    /// Never: the format can represent every value.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let now = self.micros(Instant::now());
        for (aging, hold, wait) in &*self.aging.lock().unwrap_or_else(PoisonError::into_inner) {
            hold.set(age(&aging.held, now));
            wait.set(age(&aging.waiting, now));
        }
        let mut text = Vec::with_capacity(self.length.load(Ordering::Relaxed));
        for counted in &*self.all.lock() {
            let mut families = counted.collect();
            families.retain(|family| !family.get_metric().is_empty()); // omits metrics without a series
            TextEncoder::new().encode(&families, &mut text).expect("every number can be written");
        }
        self.length.store(text.len(), Ordering::Relaxed);
        text
    }

    fn micros(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.start);
        since.as_secs() * 1_000_000 + u64::from(since.subsec_micros())
    }

    /// Creates the series of this pool.
    pub(super) fn pool(self: &Arc<Self>, pool: &Name) -> PoolMetrics {
        let label = &[pool.as_str()];
        let aging =
            Arc::new(OldestTimestamps { held: AtomicU64::new(NEVER), waiting: AtomicU64::new(NEVER) });
        let (hold, wait) =
            (self.oldest_hold.with_label_values(label), self.oldest_wait.with_label_values(label));
        self.aging.lock().unwrap_or_else(PoisonError::into_inner).push((Arc::clone(&aging), hold, wait));
        let end = |how: EndReason| self.ends.with_label_values(&[pool.as_str(), how.word()]);
        let up = self.up.with_label_values(label);
        up.set(1);
        PoolMetrics {
            pool: pool.clone(),
            all: Arc::clone(self),
            slots: self.slots.with_label_values(label),
            held: self.held.with_label_values(label),
            waiting: self.waiting.with_label_values(label),
            paused: self.paused.with_label_values(label),
            up,
            aging,
            grants: self.grants.with_label_values(label),
            ends: EndReason::ALL.map(end),
            refusals: Default::default(),
            renewals: self.renewals.with_label_values(label),
            renewals_refused: self.renewals_refused.with_label_values(label),
            undelivered: self.undelivered.with_label_values(label),
            wait: self.wait.with_label_values(label),
            hold: self.hold.with_label_values(label),
        }
    }
}

/// Registers a clone of a collector, which shares its values, and returns the collector.
fn kept<C: Collector + Clone + 'static>(all: &mut Vec<Box<dyn Collector>>, made: prometheus::Result<C>) -> C {
    let counted = made.expect(INVALID_METRIC);
    all.push(Box::new(counted.clone()));
    counted
}

/// Age in seconds; 0 without a timestamp.
fn age(since: &AtomicU64, now: u64) -> f64 {
    match since.load(Ordering::Relaxed) {
        NEVER => 0.0,
        since => Duration::from_micros(now.saturating_sub(since)).as_secs_f64(),
    }
}

impl PoolMetrics {
    pub(super) fn count(&self, counts: &PoolCounts) {
        let gauge = |gauge: &IntGauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.slots.set(i64::from(counts.slots));
        gauge(&self.held, counts.held);
        gauge(&self.waiting, counts.waiting);
        self.paused.set(i64::from(counts.paused));
        let since = |since: Option<Instant>| since.map_or(NEVER, |since| self.all.micros(since));
        self.aging.held.store(since(counts.held_since), Ordering::Relaxed);
        self.aging.waiting.store(since(counts.waiting_since), Ordering::Relaxed);
    }

    pub(super) fn granted(&self, waited: Duration) {
        self.grants.inc();
        self.wait.observe(waited.as_secs_f64());
    }

    pub(super) fn ended(&self, how: EndReason, held: Duration) {
        let index = EndReason::ALL.iter().position(|known| *known == how);
        index.and_then(|index| self.ends.get(index)).into_iter().for_each(IntCounter::inc);
        if how == EndReason::Undelivered {
            self.undelivered.inc();
        }
        self.hold.observe(held.as_secs_f64());
    }

    pub(super) fn refused(&self, why: Refusal) {
        let kind = why.kind();
        let Some(index) = REFUSALS.iter().position(|known| *known == kind) else { return };
        let create = || self.all.refusals.with_label_values(&[self.pool.as_str(), kind.word()]);
        self.refusals[index].get_or_init(create).inc();
    }

    pub(super) fn renewed(&self) {
        self.renewals.inc();
    }

    pub(super) fn renewal_refused(&self) {
        self.renewals_refused.inc();
    }

    pub(super) fn set_up(&self, up: bool) {
        self.up.set(i64::from(up));
    }

    pub(super) fn handover(&self) -> &Histogram {
        &self.all.handover
    }
}

impl Drop for PoolMetrics {
    /// Removes the pool's series.
    fn drop(&mut self) {
        let (all, pool) = (&self.all, self.pool.as_str());
        let mut aging = all.aging.lock().unwrap_or_else(PoisonError::into_inner);
        aging.retain(|(aging, ..)| !Arc::ptr_eq(aging, &self.aging));
        for gauge in [&all.slots, &all.held, &all.waiting, &all.paused, &all.up] {
            let _ = gauge.remove_label_values(&[pool]);
        }
        for age in [&all.oldest_hold, &all.oldest_wait] {
            let _ = age.remove_label_values(&[pool]);
        }
        for counter in [&all.grants, &all.renewals, &all.renewals_refused, &all.undelivered] {
            let _ = counter.remove_label_values(&[pool]);
        }
        for how in EndReason::ALL {
            let _ = all.ends.remove_label_values(&[pool, how.word()]);
        }
        for kind in REFUSALS {
            let _ = all.refusals.remove_label_values(&[pool, kind.word()]);
        }
        for times in [&all.wait, &all.hold] {
            let _ = times.remove_label_values(&[pool]);
        }
    }
}
