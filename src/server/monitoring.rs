//! What is read by machines that watch the server: `/metrics`, `/healthz` and `/readyz`; and the count of requests.

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

/// Why nothing can go wrong with the names here: the server would not start.
const INVALID_METRIC: &str = "metrics have proper names, each of its own";

/// What is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitoringPath {
    /// `/metrics`: all numbers, for Prometheus.
    Metrics,
    /// `/healthz`: whether the process serves at all.
    Health,
    /// `/readyz`: whether it is of use to ask for a slot now.
    Readiness,
}

impl MonitoringPath {
    /// What is read under this path.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/metrics" => Some(Self::Metrics),
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Readiness),
            _ => None,
        }
    }

    /// The answer.
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

/// With many pools this is megabytes of text, so it is made where nobody waits for it; and one at a time, so that who
/// asks often takes little from others.
async fn metrics(numbers: Option<&Arc<Metrics>>) -> HttpResponse {
    let Some(numbers) = numbers.cloned() else {
        return text(StatusCode::NOT_FOUND, "metrics are switched off (\"metrics\" in the configuration)");
    };
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let read = spawn_blocking(move || {
        let text = numbers.text();
        drop(turn); // not before, even if nobody waits for the text any more
        text
    });
    let Ok(numbers) = read.await else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "the numbers cannot be read");
    };
    let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(numbers));
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, format);
    response
}

fn readiness(registry: &Registry) -> HttpResponse {
    match (registry.is_draining(), registry.is_reachable()) {
        (true, _) => text(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, false) => text(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be reached"),
        (false, true) => text(StatusCode::OK, "ready"),
    }
}

fn text(status: StatusCode, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, BoxBody::new(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Counts requests by call and status. Without metrics it counts nothing.
#[derive(Debug, Default)]
pub struct RequestCounters(OnceLock<RegisteredCounters>);

#[derive(Debug)]
struct RegisteredCounters {
    all: IntCounterVec,
    /// The calls that come thousands of times a second, when they go well: `get`, `release`, and those of v1.
    frequent: [((&'static str, u16), IntCounter); 5],
}

/// The calls that come most often, and how they mostly end.
const FREQUENT: [(&str, u16); 5] =
    [("get", 200), ("release", 200), ("v1_acquire", 201), ("v1_release", 204), ("v1_renew", 200)];

impl RequestCounters {
    /// From now on they are counted among these numbers.
    ///
    /// # Panics
    /// When there are numbers of the same names already.
    pub fn register(&self, numbers: &Metrics) {
        self.0.get_or_init(|| {
            let help = "Requests that were answered";
            let all = IntCounterVec::new(Opts::new("distributex_requests_total", help), &["call", "status"]);
            let all = all.expect(INVALID_METRIC);
            let opts = Opts::new("distributex_build_info", "1; its label tells the version of the server");
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

    /// One more with this path was answered so.
    pub fn count(&self, path: &str, status: StatusCode) {
        let Some(RegisteredCounters { all, frequent }) = self.0.get() else { return };
        let asked = (call(path), status.as_u16());
        match frequent.iter().find(|(known, _)| *known == asked) {
            Some((_, counter)) => counter.inc(),
            None => all.with_label_values(&[asked.0, status.as_str()]).inc(),
        }
    }
}

/// The call of a path, as it is counted: one of a few words, whatever strangers ask for.
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
