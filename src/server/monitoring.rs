//! Monitoring: `/metrics`, `/healthz` and `/readyz`, and the count of requests.

use std::sync::{Arc, OnceLock};

use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderValue},
    },
    rt::task::spawn_blocking,
};
use distributex_actors::{Registry, telemetry::metrics::Metrics};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use tokio::sync::Mutex;

use super::{classic, v1};

/// Message of the panic: metric names are constants, so the server would not start.
const INVALID_METRIC: &str = "metric names are valid and distinct";

/// A page for monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitoringPath {
    /// `/metrics`: all metrics, for Prometheus.
    Metrics,
    /// `/healthz`: the process serves requests.
    Health,
    /// `/readyz`: slots can be requested now.
    Readiness,
}

impl MonitoringPath {
    /// The page at this path.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/metrics" => Some(Self::Metrics),
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Readiness),
            _ => None,
        }
    }

    /// The response.
    pub async fn respond(self, request: &ServiceRequest, registry: &Registry) -> HttpResponse {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "use GET");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match self {
            Self::Metrics => metrics(registry.telemetry().metrics()).await,
            Self::Health => text(StatusCode::OK, "ok"),
            Self::Readiness => readiness(registry),
        }
    }
}

/// Renders the metrics; with many pools, megabytes of text. So it is done on a blocking thread, and once at a time.
async fn metrics(numbers: Option<&Arc<Metrics>>) -> HttpResponse {
    let Some(numbers) = numbers.cloned() else {
        return text(StatusCode::NOT_FOUND, "metrics are disabled (\"metrics\" in the configuration)");
    };
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let read = spawn_blocking(move || {
        let text = numbers.text();
        drop(turn); // keeps the permit even if the request has ended
        text
    });
    let Ok(numbers) = read.await else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be rendered");
    };
    let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(numbers));
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, format);
    response
}

fn readiness(registry: &Registry) -> HttpResponse {
    match (registry.is_draining(), registry.is_reachable()) {
        (true, _) => text(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, false) => text(StatusCode::SERVICE_UNAVAILABLE, "the store is unreachable"),
        (false, true) => text(StatusCode::OK, "ready"),
    }
}

fn text(status: StatusCode, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, BoxBody::new(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

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
    pub fn register(&self, numbers: &Metrics) {
        self.0.get_or_init(|| {
            let help = "Requests, by call and status.";
            let all = IntCounterVec::new(Opts::new("distributex_requests_total", help), &["call", "status"]);
            let all = all.expect(INVALID_METRIC);
            let opts = Opts::new("distributex_build_info", "Build information.");
            let build = IntGauge::with_opts(opts.const_label("version", env!("CARGO_PKG_VERSION")));
            let build = build.expect(INVALID_METRIC);
            build.set(1);
            numbers.register(build);
            numbers.register(all.clone());
            let frequent = FREQUENT
                .map(|(call, status)| ((call, status), all.with_label_values(&[call, &status.to_string()])));
            RegisteredCounters { all, frequent }
        });
    }

    /// Counts a request to this path with this status.
    pub fn count(&self, path: &str, status: StatusCode) {
        let Some(RegisteredCounters { all, frequent }) = self.0.get() else { return };
        let label = (call(path), status.as_u16());
        match frequent.iter().find(|(known, _)| *known == label) {
            Some((_, counter)) => counter.inc(),
            None => all.with_label_values(&[label.0, status.as_str()]).inc(),
        }
    }
}

/// The label of a path's call, from a fixed set, whatever the path is.
fn call(path: &str) -> &'static str {
    if v1::is_for(path) {
        return v1::word(path);
    }
    match path {
        "/metrics" => "metrics",
        "/healthz" => "healthz",
        "/readyz" => "readyz",
        _ if super::page::is_for(path) => "page",
        _ => classic::call_word(path),
    }
}
