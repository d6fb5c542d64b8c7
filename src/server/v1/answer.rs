//! JSON responses, and the one that carries a lease.

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
use distributex_protocol::lease::{LeaseBody, RevocationNotice};
use serde::Serialize;
use tokio::time::Instant;

use super::{NamedPool, time::rounded_up};

/// A response of this JSON text.
pub(super) fn text(status: StatusCode, text: Bytes) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, BoxBody::new(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response of this value as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> HttpResponse {
    let mut bytes = Vec::with_capacity(512);
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => text(status, bytes.into()),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()), // no body here fails to serialize
    }
}

/// The response to an acquire or a renew with this lease.
pub(super) fn lease(status: StatusCode, lease: &LeaseDetails, pool: NamedPool<'_>) -> HttpResponse {
    // Rounded up to the millisecond: the client counts from when it sent its request, which was earlier.
    let left = lease.until.map(|until| rounded_up(until.saturating_duration_since(Instant::now())));
    let left = left.into_iter().chain(lease.ttl).min();
    // A client that counts with `ttl` alone must stop in time, too.
    let ttl = if lease.revoked.is_some() { left } else { lease.ttl };
    let (id, store) = (lease.id.map(LeaseId::reveal).unwrap_or_default(), pool.store());
    let body = LeaseBody {
        lease: id.as_str(),
        token: lease.token.0,
        pool: pool.name.as_str(),
        host: lease.host.as_str(),
        ttl,
        expires_in: left,
        expires_at: left.and_then(|left| SystemTime::now().checked_add(left)),
        waited: Some(lease.waited),
        revoked: lease.revoked.as_deref().map(|Revocation { operator, .. }| RevocationNotice {
            author: &*operator.author,
            reason: &*operator.reason,
        }),
        store: store.as_deref(),
    };
    json(status, &body)
}
