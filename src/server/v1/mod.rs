//! The v1 protocol: JSON over HTTP. Translates, and decides nothing.
//!
//! ```text
//!  path ─► Call ─► body ─► request ─► pool ─┬► answer   201, 200, 204
//!                                           └► error    {"kind": …, "message": …}
//! ```

use std::{mem, rc::Rc};

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{Method, StatusCode},
};
use distributex_actors::{Grant, PoolHandle, Pools, Refusal};
use distributex_config::Name;

use self::{error::Problem, kind::Kind, path::Call};
use super::{
    connection::{Handling, Peer},
    dispatch,
};

mod answer;
mod body;
mod error;
mod field;
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

/// Answers a request for such a path.
pub async fn respond(request: &mut ServiceRequest, pools: &Pools, peer: &Rc<Peer>) -> HttpResponse {
    let handling = peer.begin();
    let store = pools.store();
    match handle(request, pools, &handling, peer).await {
        Ok(response) => response,
        Err(problem) => problem.answer(store),
    }
}

/// A pool, as a call names it.
#[derive(Clone, Copy)]
struct Pool<'a> {
    name: &'a Name,
    handle: &'a PoolHandle,
    store: &'a str,
}

async fn handle(
    request: &mut ServiceRequest,
    pools: &Pools,
    handling: &Handling,
    peer: &Peer,
) -> Result<HttpResponse, Problem> {
    let (call, pool) = path::call(request.path()).ok_or_else(Problem::not_found)?;
    check(request.method(), &call)?;
    let pool = find(pools, pool); // a mistake in it is told when the body has been read
    match call {
        Call::OpenApi => Ok(answer::text(StatusCode::OK, OPENAPI.into())),
        Call::Pools => state::pools(pools).await,
        Call::Pool => state::pool(pool?).await,
        Call::Holder(token) => state::holder(pool?, token).await,
        Call::Acquire => {
            let body = body::read(request).await?;
            acquire(request, body, pool?, handling, peer).await
        }
        Call::Renew => {
            let body = body::read(request).await?;
            let (pool, (lease, ttl)) = (pool?, request::renew(&body)?);
            let lease =
                pool.handle.renew(lease, ttl).await.map_err(|why| Problem::refused(why, pool.name))?;
            Ok(answer::lease(StatusCode::OK, &lease, pool))
        }
        Call::Release => {
            let body = body::read(request).await?;
            let (pool, held) = (pool?, request::release(&body)?);
            match pool.handle.end(held).await {
                Ok(true) => Ok(HttpResponse::new(StatusCode::NO_CONTENT)),
                Ok(false) => Err(Problem::refused(Refusal::LeaseLost, pool.name)),
                Err(why) => Err(Problem::refused(why, pool.name)),
            }
        }
    }
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
    Ok(Pool { name, handle, store: pools.store() })
}

/// While it is parked nothing is kept of the request but what the pool has to know.
async fn acquire(
    request: &mut ServiceRequest,
    body: Vec<u8>,
    pool: Pool<'_>,
    handling: &Handling,
    peer: &Peer,
) -> Result<HttpResponse, Problem> {
    let ask = request::acquire(&body)?;
    drop(body);
    if ask.parks() {
        drop(mem::take(request.headers_mut()));
        handling.park();
    }
    let keeps_place = request::keeps_place(&ask);
    let grant = match pool.handle.acquire(ask).await {
        Ok(grant) => grant,
        Err(denial) => return Err(Problem::denied(denial, pool.name, keeps_place)),
    };
    let tell = |grant: &Grant| {
        let status = if grant.again { StatusCode::OK } else { StatusCode::CREATED };
        answer::lease(status, &grant.lease, pool)
    };
    let nobody = || Problem::new(Kind::Internal, "the connection ended before its answer"); // unread
    dispatch::told(grant, peer, tell).ok_or_else(nobody)
}
