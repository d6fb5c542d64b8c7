//! Delivery of grants to connected clients.

use distributex_actors::Grant;

use super::connection::Peer;

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
