//! The v1 protocol: JSON over HTTP. Translates, and decides nothing.
//!
//! ```text
//!  path ─► V1Path ─► (right) ─► body ─► request ─► pool ─┬► response 201, 200, 204
//!                                                        └► error    {"kind": …, "message": …}
//! ```

use std::{mem, rc::Rc, sync::Arc};

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{Method, StatusCode},
};
use distributex_actors::{
    AcquireRequest, Denial, Grant, PoolHandle, Pools, Refusal, Registry, ReleaseTarget,
};
use distributex_config::Name;
use distributex_protocol::error::ErrorKind;

use self::{admin::auth, error::V1Error, events::EventSubscription, path::V1Path};
use super::{connection::Peer, deliver::deliver, framing::MAX_HEAD, shared::Shared};

mod admin;
mod answer;
mod body;
mod ended;
mod error;
mod event;
mod events;
mod field;
mod history;
mod path;
mod request;
mod snapshot;
mod time;

/// The API description.
const OPENAPI: &str = include_str!("openapi.json");

/// Whether a path belongs to this protocol.
#[must_use]
pub fn is_for(path: &str) -> bool {
    path.strip_prefix("/v1").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || path == "/openapi.json"
}

/// The label of a path's call, for metrics.
pub(super) fn word(path: &str) -> &'static str {
    path::call(path).map_or("other", |(call, _)| call.word())
}

/// Serves a request for such a path.
///
/// While an acquire is parked, only what its pool needs is kept of the request.
pub async fn respond(
    request: &mut ServiceRequest,
    registry: &Registry,
    peer: &Rc<Peer>,
    shared: &Arc<Shared>,
) -> HttpResponse {
    let (handling, pools) = (peer.begin(), &*registry.pools());
    let (pool, keeps_queue_entry, grant) = {
        let done = Box::pin(handle(request, registry, pools, peer, shared)).await; // on the heap, because it ends here
        match done {
            Ok(Next::Acquire(pool, acquire)) => {
                if acquire.parks() {
                    drop(mem::take(request.headers_mut()));
                    handling.park();
                }
                (
                    pool,
                    request::keeps_queue_entry(&acquire),
                    pool.handle.acquire_from(acquire, peer.address()),
                )
            }
            Ok(Next::StreamEvents(reading)) => return events::answer(reading, handling),
            Ok(Next::Respond(response)) => return response,
            Err(problem) => return problem.answer(pools.store(None).as_deref()),
        }
    };
    respond_to_grant(grant.await, pool, keeps_queue_entry, peer)
}

/// The response to a head of more than 16 KiB.
pub(super) fn head_too_large(pools: &Pools) -> HttpResponse {
    let message = format!("the head of the request has more than {MAX_HEAD} bytes, or too many headers");
    V1Error::new(ErrorKind::HeadTooLarge, message).answer(pools.store(None).as_deref())
}

/// Result of reading a request.
enum Next<'a> {
    /// A response.
    Respond(HttpResponse),
    /// An acquire, which may be parked.
    Acquire(NamedPool<'a>, AcquireRequest),
    /// An event stream, which may be endless.
    StreamEvents(EventSubscription),
}

/// A pool, as named in the path.
#[derive(Clone, Copy)]
struct NamedPool<'a> {
    name: &'a Name,
    handle: &'a PoolHandle,
    pools: &'a Pools,
}

impl NamedPool<'_> {
    /// The id of its store, if known.
    fn store(self) -> Option<Arc<str>> {
        self.pools.store(Some(self.name))
    }
}

async fn handle<'a>(
    request: &mut ServiceRequest,
    registry: &Registry,
    pools: &'a Pools,
    peer: &Peer,
    shared: &Arc<Shared>,
) -> Result<Next<'a>, V1Error> {
    let (call, pool) = path::call(request.path()).ok_or_else(V1Error::not_found)?;
    check(request.method(), &call)?;
    let pool = find(pools, pool); // a mistake in it is reported after authorization, when the body has been read
    let answer = match call {
        V1Path::OpenApi => answer::text(StatusCode::OK, OPENAPI.into()),
        V1Path::Pools => snapshot::pools(pools, request.query_string()).await?,
        V1Path::Pool => snapshot::pool(pool?, request.query_string()).await?,
        V1Path::Holder(token) => snapshot::holder(pool?, token).await?,
        V1Path::History => history::history(pool?).await?,
        V1Path::Events => {
            let reading = events::reading(request, pools, registry, peer)?;
            if *request.method() == Method::GET {
                return Ok(Next::StreamEvents(reading));
            }
            events::head()
        }
        V1Path::Acquire => {
            let body = body::read(request).await?;
            return Ok(Next::Acquire(pool?, request::acquire(&body)?));
        }
        V1Path::Renew => {
            let body = body::read(request).await?;
            let (pool, (lease, ttl)) = (pool?, request::renew(&body)?);
            match pool.handle.renew(lease, ttl).await {
                Ok(lease) => answer::lease(StatusCode::OK, &lease, pool),
                Err(Refusal::LeaseLost) => return Err(lost(pool, ReleaseTarget::Lease(lease)).await),
                Err(why) => return Err(V1Error::refused(why, pool.name)),
            }
        }
        V1Path::Release => {
            let body = body::read(request).await?;
            let (pool, (held, exit_status)) = (pool?, request::release(&body)?);
            match pool.handle.release(held.clone(), exit_status).await {
                Ok(true) => HttpResponse::new(StatusCode::NO_CONTENT),
                Ok(false) => return Err(lost(pool, held).await),
                Err(why) => return Err(V1Error::refused(why, pool.name)),
            }
        }
        V1Path::Admin(verb) => {
            let right = auth::right(request.headers(), peer.uid(), &shared.keys())?;
            let body = body::read(request).await?;
            admin::act(verb, pool?, &body, &right).await?
        }
        V1Path::Reload => {
            let right = auth::right(request.headers(), peer.uid(), &shared.keys())?;
            let body = body::read(request).await?;
            admin::reload(shared, &body, &right).await?
        }
        V1Path::WhoAmI => admin::who_am_i(&auth::right(request.headers(), peer.uid(), &shared.keys())?),
    };
    Ok(Next::Respond(answer))
}

/// The error about a lease or queue entry that no longer exists, with its end if known.
async fn lost(pool: NamedPool<'_>, held: ReleaseTarget) -> V1Error {
    V1Error::lease_lost(pool.handle.find_ended_run(held).await)
}

fn check(method: &Method, call: &V1Path) -> Result<(), V1Error> {
    let (fits, allow) = if call.is_post() {
        (method == Method::POST, "POST")
    } else {
        (matches!(*method, Method::GET | Method::HEAD), "GET, HEAD")
    };
    if fits { Ok(()) } else { Err(V1Error::not_allowed(allow)) }
}

fn find<'a>(pools: &'a Pools, segment: &str) -> Result<NamedPool<'a>, V1Error> {
    let named = path::decoded(segment).and_then(|name| pools.named(&name));
    let (name, handle) = named.ok_or_else(|| V1Error::no_such_pool(segment))?;
    Ok(NamedPool { name, handle, pools })
}

/// Responds to the requester with its grant, or with the refusal.
fn respond_to_grant(
    grant: Result<Grant, Denial>,
    pool: NamedPool<'_>,
    keeps_queue_entry: bool,
    peer: &Peer,
) -> HttpResponse {
    let respond = |grant: &Grant| {
        let status = if grant.again { StatusCode::OK } else { StatusCode::CREATED };
        answer::lease(status, &grant.lease, pool)
    };
    let closed =
        || V1Error::new(ErrorKind::Internal, "the connection ended before its response").answer(None);
    match grant {
        Ok(grant) => deliver(grant, peer, respond).unwrap_or_else(closed), // which is not read
        Err(denial) => V1Error::denied(denial, pool.name, keeps_queue_entry).answer(pool.store().as_deref()),
    }
}
