//! JSON out: how answers are made, and the one that carries a lease.

use std::time::SystemTime;

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderValue},
    },
    web::Bytes,
};
use distributex_actors::{LeaseDetails, LeaseId, Revocation};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    NamedPool,
    time::{JsonSeconds, JsonTimestamp, rounded_up},
};

/// An answer of this JSON text.
pub(super) fn text(status: StatusCode, text: Bytes) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, BoxBody::new(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer of this value.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> HttpResponse {
    let mut bytes = Vec::with_capacity(512);
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => text(status, bytes.into()),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()), // no value here fails
    }
}

/// The answer to an acquire or a renew that has the lease.
pub(super) fn lease(status: StatusCode, lease: &LeaseDetails, pool: NamedPool<'_>) -> HttpResponse {
    // Up to the millisecond, because the client counts from when it sent its request, which was earlier.
    let left = lease.until.map(|until| rounded_up(until.saturating_duration_since(Instant::now())));
    let left = left.into_iter().chain(lease.ttl).min();
    // A client that reckons with its time to live stops in time, too.
    let ttl = if lease.revoked.is_some() { left } else { lease.ttl };
    let store = pool.store();
    let lease = LeaseBody {
        lease: lease.id.map(LeaseId::reveal).unwrap_or_default(),
        token: lease.token.0,
        pool: pool.name.as_str(),
        host: lease.host.as_str(),
        ttl: ttl.map(JsonSeconds),
        expires_in: left.map(JsonSeconds),
        expires_at: left.and_then(|left| SystemTime::now().checked_add(left)).and_then(JsonTimestamp::of),
        waited: JsonSeconds(lease.waited),
        revoked: lease.revoked.as_deref().map(RevocationBody::of),
        store: store.as_deref(),
    };
    json(status, &lease)
}

#[derive(Serialize)]
struct LeaseBody<'a> {
    lease: String,
    token: u64,
    pool: &'a str,
    host: &'a str,
    ttl: Option<JsonSeconds>,
    expires_in: Option<JsonSeconds>,
    expires_at: Option<JsonTimestamp>,
    waited: JsonSeconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<RevocationBody<'a>>,
    store: Option<&'a str>,
}

/// Who asks the holder of a lease to stop, and why.
#[derive(Serialize)]
struct RevocationBody<'a> {
    author: &'a str,
    reason: &'a str,
}

impl<'a> RevocationBody<'a> {
    fn of(Revocation { operator, .. }: &'a Revocation) -> Self {
        Self { author: &operator.author, reason: &operator.reason }
    }
}
