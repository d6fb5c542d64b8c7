//! Monitoring: `/metrics`, `/healthz` and `/readyz`.

use std::sync::Arc;

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
use tokio::sync::Mutex;

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

    /// The label of its requests in metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Health => "healthz",
            Self::Readiness => "readyz",
        }
    }

    /// The response to a request for one of these pages.
    pub async fn respond(request: &ServiceRequest, registry: &Registry) -> HttpResponse {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "use GET");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match Self::at(request.path()) {
            Some(Self::Metrics) => metrics(registry.telemetry().metrics()).await,
            Some(Self::Health) => text(StatusCode::OK, "ok"),
            Some(Self::Readiness) => readiness(registry),
            None => text(StatusCode::NOT_FOUND, "unknown path"), // of another dialect
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
