//! The classic protocol: `GET /get`, `/wait` and `/release` with `host=` and `pool=`, answered with one word.

use std::{
    mem,
    rc::Rc,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderValue},
    },
};
use distributex_actors::{
    AcquireRequest, Denial, Grant, PoolHandle, Pools, Refusal, ReleaseTarget, Requester,
};
use distributex_config::Name;
use log::info;
use tokio::time::Instant;

use super::{connection::Peer, deliver::deliver, query::parameter};

/// Minimum time between two log lines about invalid requests.
const INVALID_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// The three calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClassicPath {
    Get,
    Wait,
    Release,
}

/// Answers any request, unknown paths included.
pub async fn respond(request: &mut ServiceRequest, pools: &Pools, peer: &Rc<Peer>) -> HttpResponse {
    let handling = peer.begin();
    let Some(call) = call(request.path()) else {
        return word(StatusCode::NOT_FOUND, "INVALID");
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return not_allowed();
    }
    let (pool, host) = match parse_query(request.query_string(), pools) {
        Ok(asked) => asked,
        Err(why) => return invalid(&why),
    };
    match call {
        ClassicPath::Get => {
            respond_to_grant(pool.acquire(acquire_request(host, Some(Duration::ZERO))).await, peer)
        }
        ClassicPath::Wait => {
            drop(mem::take(request.headers_mut())); // a third of the memory of a parked request
            handling.park();
            respond_to_grant(pool.acquire_from(acquire_request(host, None), peer.address()).await, peer)
        }
        ClassicPath::Release => {
            match pool.release(ReleaseTarget::Requester(Requester::Host(host)), None).await {
                Ok(_) => word(StatusCode::OK, "OK"),
                Err(why) => refused(why),
            }
        }
    }
}

/// The request of a host. It has no lease id: only the host itself, an expiry or an operator can end its lease.
fn acquire_request(host: Name, wait: Option<Duration>) -> AcquireRequest {
    AcquireRequest { wait, ..AcquireRequest::new(Requester::Host(host)) }
}

/// Responds with the grant if the client is still connected; otherwise the grant is returned.
fn respond_to_grant(granted: Result<Grant, Denial>, peer: &Peer) -> HttpResponse {
    match granted {
        Ok(grant) => deliver(grant, peer, |_| word(StatusCode::OK, "YES")).unwrap_or_else(not_now),
        Err(denial) => refused(denial.why),
    }
}

fn refused(why: Refusal) -> HttpResponse {
    match why {
        Refusal::PoolFull
        | Refusal::WaitTimeout
        | Refusal::PoolPaused
        | Refusal::Evicted
        | Refusal::Superseded
        | Refusal::LeaseLost => word(StatusCode::OK, "NO"),
        Refusal::HostNotAllowed => invalid("the host is not among the pool's \"servers\""),
        Refusal::NoSuchPool => invalid("the pool is no longer in the configuration"),
        Refusal::QueueFull | Refusal::Draining | Refusal::BackendDown => not_now(),
    }
}

/// Responds `INVALID`. The reason goes to the log, at most once per second.
fn invalid(why: &str) -> HttpResponse {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| last.elapsed() >= INVALID_LOG_INTERVAL) {
        *last = Some(Instant::now());
        info!(reason = why; "invalid_request");
    }
    word(StatusCode::OK, "INVALID")
}

/// The response while the server cannot serve the request.
pub fn not_now() -> HttpResponse {
    word(StatusCode::SERVICE_UNAVAILABLE, "NO")
}

/// The response to a head that is too large.
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

/// Parses a path. Slashes are ignored: `/get`, `/get/` and `//get//` are the same.
fn call(path: &str) -> Option<ClassicPath> {
    let is = |word: &str| path.bytes().filter(|byte| *byte != b'/').eq(word.bytes());
    match () {
        () if is("get") => Some(ClassicPath::Get),
        () if is("wait") => Some(ClassicPath::Wait),
        () if is("release") => Some(ClassicPath::Release),
        () => None,
    }
}

/// Label of a path in metrics; `other` if it is unknown.
pub(super) fn call_word(path: &str) -> &'static str {
    match call(path) {
        Some(ClassicPath::Get) => "get",
        Some(ClassicPath::Wait) => "wait",
        Some(ClassicPath::Release) => "release",
        None => "other",
    }
}

/// The pool and the host of a query, or why it is invalid.
fn parse_query<'a>(query: &str, pools: &'a Pools) -> Result<(&'a PoolHandle, Name), String> {
    let name = parameter(query, "pool").ok_or("no pool given")?;
    let shown = &name[..name.floor_char_boundary(Name::MAX_BYTES)];
    let pool = pools.get(&name).ok_or_else(|| format!("no pool named {shown:?}"))?;
    let host = parameter(query, "host").ok_or_else(|| format!("no host given for pool {shown:?}"))?;
    let host = Name::new(&host).map_err(|error| format!("invalid host for pool {shown:?}: {error}"))?;
    Ok((pool, host))
}

#[cfg(test)]
mod tests {
    use actix::Actor as _;
    use distributex_actors::{ParkingLimit, PoolActor, Telemetry, backend::inmemory::InMemory};
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
        let watch = Telemetry::default().pool(&name);
        PoolHandle::new(PoolActor::new(name, backend, ParkingLimit::new(1), watch).start())
    }

    async fn get(pool: &PoolHandle, host: &str) -> Result<Grant, Denial> {
        pool.acquire(acquire_request(name(host), Some(Duration::ZERO))).await
    }

    #[actix::test]
    async fn a_client_that_is_gone_is_not_granted_the_slot() {
        let (pool, (connection, client)) = (pool(), connected().await);
        let grant = get(&pool, "ann").await;
        drop(client);
        is_gone_soon(connection.peer()).await;

        let answer = respond_to_grant(grant, connection.peer());

        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(get(&pool, "bob").await.is_ok());
    }

    #[actix::test]
    async fn a_client_that_leaves_after_the_response_keeps_the_slot() {
        let (pool, (connection, client)) = (pool(), connected().await);
        let grant = get(&pool, "ann").await;

        let answer = respond_to_grant(grant, connection.peer());
        drop(client);
        is_gone_soon(connection.peer()).await;

        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(get(&pool, "bob").await.err().map(|denial| denial.why), Some(Refusal::PoolFull));
    }
}
