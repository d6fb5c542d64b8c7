//! Routes a request to its protocol.

use std::{rc::Rc, sync::Arc};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, StatusCode},
};
use distributex_actors::{Grant, Registry};

use super::{classic, connection::Peer, monitoring::MonitoringPath, page, shared::Shared, v1};

/// Answers any request.
///
/// # Errors
/// Never: every request gets a response.
pub async fn answer(mut request: ServiceRequest, shared: Arc<Shared>) -> Result<ServiceResponse, Error> {
    let (Some(peer), Some(registry)) = (request.conn_data::<Rc<Peer>>().cloned(), shared.registry()) else {
        return Ok(request.into_response(classic::not_now())); // never: every connection has a peer, every worker the pools
    };
    let mut response = if peer.is_head_too_large() {
        let _handling = peer.begin();
        head_too_large(request.path(), registry)
    } else if v1::is_for(request.path()) {
        v1::respond(&mut request, registry, &peer, &shared).await
    } else if let Some(watched) = MonitoringPath::at(request.path()) {
        let _handling = peer.begin();
        watched.respond(&request, registry).await
    } else if page::is_for(request.path()) {
        let _handling = peer.begin();
        page::respond(&request)
    } else {
        classic::respond(&mut request, &registry.pools(), &peer).await
    };
    shared.requests().count(request.path(), response.status());
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    peer.keep_unread_body(request.take_payload());
    Ok(request.into_response(response))
}

fn head_too_large(path: &str, registry: &Registry) -> HttpResponse {
    if v1::is_for(path) { v1::head_too_large(&registry.pools()) } else { classic::head_too_large() }
}

/// Delivers a grant if the client is still connected: returns the response to send. Otherwise the grant is returned to
/// its pool.
pub fn deliver<T>(grant: Grant, peer: &Peer, respond: impl FnOnce(&Grant) -> T) -> Option<T> {
    if peer.is_gone() {
        return None;
    }
    let response = respond(&grant);
    grant.delivered();
    Some(response)
}
