//! Counters of requests, for `/metrics`.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use distributex_actors::telemetry::metrics::Metrics;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

/// Message of the panic: metric names are constants, so the server would not start.
const INVALID_METRIC: &str = "metric names are valid and distinct";

/// Counters of requests by call and status. Does nothing if metrics are disabled.
#[derive(Debug, Default)]
pub struct RequestCounters(OnceLock<RegisteredCounters>);

#[derive(Debug)]
struct RegisteredCounters {
    all: IntCounterVec,
    /// Counters of the most frequent calls with success: `get`, `release`, and those of v1.
    frequent: [((&'static str, u16), IntCounter); 5],
}

/// The most frequent calls with their most frequent status.
const FREQUENT: [(&str, u16); 5] =
    [("get", 200), ("release", 200), ("v1_acquire", 201), ("v1_release", 204), ("v1_renew", 200)];

impl RequestCounters {
    /// Registers the counters.
    ///
    /// # Panics
    /// When metrics of these names are registered already.
    pub fn register(&self, metrics: &Metrics) {
        self.0.get_or_init(|| {
            let help = "Requests, by call and status.";
            let all = IntCounterVec::new(Opts::new("distributex_requests_total", help), &["call", "status"]);
            let all = all.expect(INVALID_METRIC);
            let opts = Opts::new("distributex_build_info", "Build information.");
            let build = IntGauge::with_opts(opts.const_label("version", env!("CARGO_PKG_VERSION")));
            let build = build.expect(INVALID_METRIC);
            build.set(1);
            metrics.register(build);
            metrics.register(all.clone());
            let frequent = FREQUENT
                .map(|(call, status)| ((call, status), all.with_label_values(&[call, &status.to_string()])));
            RegisteredCounters { all, frequent }
        });
    }

    /// Counts a request with this call and status.
    pub fn count(&self, call: &'static str, status: StatusCode) {
        let Some(RegisteredCounters { all, frequent }) = self.0.get() else { return };
        let label = (call, status.as_u16());
        match frequent.iter().find(|(known, _)| *known == label) {
            Some((_, counter)) => counter.inc(),
            None => all.with_label_values(&[label.0, status.as_str()]).inc(),
        }
    }
}
