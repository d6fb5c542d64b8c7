//! The classic protocol: `GET /get`, `/wait` and `/release` with `host=` and `pool=`, one word back.

use std::{mem, rc::Rc};

use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderValue},
    },
};
use distributex_actors::{Ask, Grant, PoolHandle, Pools, Refusal};
use distributex_config::Name;

use super::{connection::Peer, dispatch, query::parameter};

/// The three calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Get,
    Wait,
    Release,
}

/// Answers any request: what is no call at all, too.
pub async fn respond(request: &mut ServiceRequest, pools: &Pools, peer: &Rc<Peer>) -> HttpResponse {
    let handling = peer.begin();
    let Some(call) = call(request.path()) else {
        return word(StatusCode::NOT_FOUND, "INVALID");
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return not_allowed();
    }
    let Some((pool, host)) = asked(request.query_string(), pools) else {
        return word(StatusCode::OK, "INVALID");
    };
    match call {
        Call::Get => told(pool.get(host).await, peer),
        Call::Wait => {
            drop(mem::take(request.headers_mut())); // a third of what a parked request would occupy
            handling.park();
            let granted = pool.acquire_from(Ask::classic(host, true), peer.address()).await;
            told(granted.map_err(|denial| denial.why), peer)
        }
        Call::Release => match pool.release(host).await {
            Ok(()) => word(StatusCode::OK, "OK"),
            Err(why) => refused(why),
        },
    }
}

/// Tells the asker of its grant, if it is still there; otherwise the grant goes back.
fn told(answer: Result<Grant, Refusal>, peer: &Peer) -> HttpResponse {
    match answer {
        Ok(grant) => dispatch::told(grant, peer, |_| word(StatusCode::OK, "YES")).unwrap_or_else(not_now),
        Err(why) => refused(why),
    }
}

fn refused(why: Refusal) -> HttpResponse {
    match why {
        Refusal::Full
        | Refusal::WaitOver
        | Refusal::Paused
        | Refusal::Removed
        | Refusal::Superseded
        | Refusal::LeaseLost => word(StatusCode::OK, "NO"),
        Refusal::HostNotAllowed | Refusal::NoSuchPool => word(StatusCode::OK, "INVALID"),
        Refusal::LineFull | Refusal::Stopping | Refusal::Away => not_now(),
    }
}

/// What cannot be answered now is answered so.
pub fn not_now() -> HttpResponse {
    word(StatusCode::SERVICE_UNAVAILABLE, "NO")
}

/// The response to a head of more than 16 KiB.
pub(super) fn head_too_large() -> HttpResponse {
    word(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "INVALID")
}

fn not_allowed() -> HttpResponse {
    let mut response = word(StatusCode::METHOD_NOT_ALLOWED, "INVALID");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn word(status: StatusCode, word: &'static str) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, BoxBody::new(word));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The call of a path. Slashes do not count, as ever: `/get`, `/get/` and `//get//` are the same.
fn call(path: &str) -> Option<Call> {
    let is = |word: &str| path.bytes().filter(|byte| *byte != b'/').eq(word.bytes());
    match () {
        () if is("get") => Some(Call::Get),
        () if is("wait") => Some(Call::Wait),
        () if is("release") => Some(Call::Release),
        () => None,
    }
}

/// The word of a path's call, for who counts: `other` if it is none.
pub(super) fn call_word(path: &str) -> &'static str {
    match call(path) {
        Some(Call::Get) => "get",
        Some(Call::Wait) => "wait",
        Some(Call::Release) => "release",
        None => "other",
    }
}

/// The pool and the host that a query names, if it names both.
fn asked<'a>(query: &str, pools: &'a Pools) -> Option<(&'a PoolHandle, Name)> {
    let pool = pools.get(&parameter(query, "pool")?)?;
    let host = Name::new(&parameter(query, "host")?).ok()?;
    Some((pool, host))
}

#[cfg(test)]
mod tests {
    use actix::Actor as _;
    use distributex_actors::{PoolActor, Room, Watch, backend::inmemory::InMemory};
    use distributex_config::Limits;

    use super::{
        super::connection::tests::{connected, is_gone_soon},
        *,
    };

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn pool() -> PoolHandle {
        let name = name("pool1");
        let settings = distributex_config::Pool {
            name: name.clone(),
            expire: None,
            slots: 1,
            servers: None,
            max_waiters: 10,
        };
        let backend = Box::new(InMemory::new(settings, Limits::default()));
        let watch = Watch::default().pool(&name);
        PoolHandle::new(PoolActor::new(name, backend, Room::new(1), watch).start())
    }

    #[actix::test]
    async fn who_hung_up_before_the_answer_is_not_told_and_the_slot_goes_on() {
        let (pool, (connection, client)) = (pool(), connected().await);
        let grant = pool.get(name("ann")).await;
        drop(client);
        is_gone_soon(connection.peer()).await;

        let answer = told(grant, connection.peer());

        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(pool.get(name("bob")).await.is_ok());
    }

    #[actix::test]
    async fn who_hangs_up_after_the_answer_keeps_the_slot() {
        let (pool, (connection, client)) = (pool(), connected().await);
        let grant = pool.get(name("ann")).await;

        let answer = told(grant, connection.peer());
        drop(client);
        is_gone_soon(connection.peer()).await;

        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(pool.get(name("bob")).await.err(), Some(Refusal::Full));
    }
}
