//! Entry point of every request: finds its dialect, counts it, and cleans up after it.

use std::{rc::Rc, sync::Arc};

use super::{classic, connection::Peer, dialect::Dialect, shared::Shared};
use actix_web::{
    Error, HttpMessage as _,
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, StatusCode},
};

/// Answers any request.
///
/// # Errors
/// Never: every request gets a response.
pub async fn answer(mut request: ServiceRequest, shared: Arc<Shared>) -> Result<ServiceResponse, Error> {
    let (Some(peer), Some(registry)) = (request.conn_data::<Rc<Peer>>().cloned(), shared.registry()) else {
        return Ok(request.into_response(classic::not_now())); // never: every connection has a peer, every worker the pools
    };
    let dialect = Dialect::of(request.path());
    let mut response = if peer.is_head_too_large() {
        let _handling = peer.begin();
        dialect.head_too_large(registry)
    } else {
        dialect.respond(&mut request, registry, &peer, &shared).await
    };
    shared.requests().count(dialect.call(request.path()), response.status());
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    peer.keep_unread_body(request.take_payload());
    Ok(request.into_response(response))
}
