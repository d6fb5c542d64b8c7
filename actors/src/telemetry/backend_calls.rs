//! Counters of calls to a store.

use prometheus::{IntCounter, Opts};

use super::metrics::{INVALID_METRIC, Metrics};

/// Calls to one kind of store, and their errors. A clone shares the counters.
#[derive(Debug, Clone)]
pub(crate) struct BackendCalls {
    calls: IntCounter,
    errors: IntCounter,
}

impl BackendCalls {
    /// Creates the counters, at zero.
    pub(crate) fn new(backend: &str) -> Self {
        let counter = |name: &str, help: &str| {
            let opts = Opts::new(name, help).const_label("backend", backend);
            IntCounter::with_opts(opts).expect(INVALID_METRIC)
        };
        Self {
            calls: counter(
                "distributex_backend_calls_total",
                "Calls to the store: a memcached, or writes to the state directory.",
            ),
            errors: counter("distributex_backend_errors_total", "Failed calls to the store."),
        }
    }

    /// Counts one call.
    pub(crate) fn count(&self, is_good: bool) {
        self.calls.inc();
        if !is_good {
            self.errors.inc();
        }
    }

    /// Adds the counters to the metrics.
    pub(crate) fn register(&self, metrics: &Metrics) {
        for counter in [&self.calls, &self.errors] {
            metrics.register(counter.clone());
        }
    }
}
