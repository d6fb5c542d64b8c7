//! The v1 protocol: JSON over HTTP. Translates, and decides nothing.
//!
//! ```text
//!  path ─► Call ─► (right) ─► body ─► request ─► pool ─┬► answer   201, 200, 204
//!                                                      └► error    {"kind": …, "message": …}
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

use self::{admin::auth, error::Problem, events::Reading, kind::Kind, path::Call};
use super::{connection::Peer, dispatch, framing::MAX_HEAD, shared::Shared};

mod admin;
mod answer;
mod body;
mod ended;
mod error;
mod event;
mod events;
mod field;
mod history;
mod kind;
mod path;
mod request;
mod state;
mod time;

/// The description of both protocols.
const OPENAPI: &str = include_str!("openapi.json");

/// Whether a path is answered here.
#[must_use]
pub fn is_for(path: &str) -> bool {
    path.strip_prefix("/v1").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || path == "/openapi.json"
}

/// The word of a path's call, for who counts.
pub(super) fn word(path: &str) -> &'static str {
    path::call(path).map_or("other", |(call, _)| call.word())
}

/// Answers a request for such a path.
///
/// While it is parked nothing is kept of the request but what its pool has to know.
pub async fn respond(
    request: &mut ServiceRequest,
    registry: &Registry,
    peer: &Rc<Peer>,
    shared: &Arc<Shared>,
) -> HttpResponse {
    let (handling, pools) = (peer.begin(), &*registry.pools());
    let (pool, keeps_place, grant) = {
        let done = Box::pin(handle(request, registry, pools, peer, shared)).await; // on the heap, because it ends here
        match done {
            Ok(Done::Asks(pool, ask)) => {
                if ask.parks() {
                    drop(mem::take(request.headers_mut()));
                    handling.park();
                }
                (pool, request::keeps_place(&ask), pool.handle.acquire_from(ask, peer.address()))
            }
            Ok(Done::Reads(reading)) => return events::answer(reading, handling),
            Ok(Done::Answered(response)) => return response,
            Err(problem) => return problem.answer(pools.store(None).as_deref()),
        }
    };
    told(grant.await, pool, keeps_place, peer)
}

/// The response to a head of more than 16 KiB.
pub(super) fn head_too_large(pools: &Pools) -> HttpResponse {
    let message = format!("the head of the request has more than {MAX_HEAD} bytes, or too many headers");
    Problem::new(Kind::HeadTooLarge, message).answer(pools.store(None).as_deref())
}

/// What came of a request that was read.
enum Done<'a> {
    /// Its answer.
    Answered(HttpResponse),
    /// It asks for a slot, which may take long.
    Asks(Pool<'a>, AcquireRequest),
    /// It reads events, which takes as long as it likes.
    Reads(Reading),
}

/// A pool, as a call names it.
#[derive(Clone, Copy)]
struct Pool<'a> {
    name: &'a Name,
    handle: &'a PoolHandle,
    pools: &'a Pools,
}

impl Pool<'_> {
    /// The name of the store that keeps it, if that is known.
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
) -> Result<Done<'a>, Problem> {
    let (call, pool) = path::call(request.path()).ok_or_else(Problem::not_found)?;
    check(request.method(), &call)?;
    let pool = find(pools, pool); // a mistake in it is told to who may know, when the body has been read
    let answer = match call {
        Call::OpenApi => answer::text(StatusCode::OK, OPENAPI.into()),
        Call::Pools => state::pools(pools, request.query_string()).await?,
        Call::Pool => state::pool(pool?, request.query_string()).await?,
        Call::Holder(token) => state::holder(pool?, token).await?,
        Call::History => history::history(pool?).await?,
        Call::Events => {
            let reading = events::reading(request, pools, registry, peer)?;
            if *request.method() == Method::GET {
                return Ok(Done::Reads(reading));
            }
            events::head()
        }
        Call::Acquire => {
            let body = body::read(request).await?;
            return Ok(Done::Asks(pool?, request::acquire(&body)?));
        }
        Call::Renew => {
            let body = body::read(request).await?;
            let (pool, (lease, ttl)) = (pool?, request::renew(&body)?);
            match pool.handle.renew(lease, ttl).await {
                Ok(lease) => answer::lease(StatusCode::OK, &lease, pool),
                Err(Refusal::LeaseLost) => return Err(lost(pool, ReleaseTarget::Lease(lease)).await),
                Err(why) => return Err(Problem::refused(why, pool.name)),
            }
        }
        Call::Release => {
            let body = body::read(request).await?;
            let (pool, (held, exit_status)) = (pool?, request::release(&body)?);
            match pool.handle.release(held.clone(), exit_status).await {
                Ok(true) => HttpResponse::new(StatusCode::NO_CONTENT),
                Ok(false) => return Err(lost(pool, held).await),
                Err(why) => return Err(Problem::refused(why, pool.name)),
            }
        }
        Call::Pull(pull) => {
            let right = auth::right(request.headers(), peer.uid(), &shared.keys())?;
            let body = body::read(request).await?;
            admin::pull(pull, pool?, &body, &right).await?
        }
        Call::Reload => {
            let right = auth::right(request.headers(), peer.uid(), &shared.keys())?;
            let body = body::read(request).await?;
            admin::reload(shared, &body, &right).await?
        }
        Call::WhoAmI => admin::who_am_i(&auth::right(request.headers(), peer.uid(), &shared.keys())?),
    };
    Ok(Done::Answered(answer))
}

/// What is meant is not held any more: why, as far as that is known.
async fn lost(pool: Pool<'_>, held: ReleaseTarget) -> Problem {
    Problem::lease_lost(pool.handle.find_ended_run(held).await)
}

fn check(method: &Method, call: &Call) -> Result<(), Problem> {
    let (fits, allow) = if call.changes_something() {
        (method == Method::POST, "POST")
    } else {
        (matches!(*method, Method::GET | Method::HEAD), "GET, HEAD")
    };
    if fits { Ok(()) } else { Err(Problem::not_allowed(allow)) }
}

fn find<'a>(pools: &'a Pools, segment: &str) -> Result<Pool<'a>, Problem> {
    let named = path::decoded(segment).and_then(|name| pools.named(&name));
    let (name, handle) = named.ok_or_else(|| Problem::no_such_pool(segment))?;
    Ok(Pool { name, handle, pools })
}

/// Tells the asker of its grant, or why there is none.
fn told(grant: Result<Grant, Denial>, pool: Pool<'_>, keeps_place: bool, peer: &Peer) -> HttpResponse {
    let tell = |grant: &Grant| {
        let status = if grant.again { StatusCode::OK } else { StatusCode::CREATED };
        answer::lease(status, &grant.lease, pool)
    };
    let nobody = || Problem::new(Kind::Internal, "the connection ended before its answer").answer(None);
    match grant {
        Ok(grant) => dispatch::told(grant, peer, tell).unwrap_or_else(nobody), // which nobody reads
        Err(denial) => Problem::denied(denial, pool.name, keeps_place).answer(pool.store().as_deref()),
    }
}
