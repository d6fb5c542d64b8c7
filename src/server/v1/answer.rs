//! JSON out: what calls are answered when all is well.

use std::time::{Duration, SystemTime};

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderValue},
    },
    web::Bytes,
};
use distributex_actors::{Holder, Leased, Pools, State, Token, Waiting};
use distributex_config::Name;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::{
    Pool,
    error::{Kind, Problem},
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
pub(super) fn lease(status: StatusCode, lease: &Leased, pool: Pool<'_>) -> HttpResponse {
    // Up to the millisecond, because the client counts from when it sent its request, which was earlier.
    let left = lease.until.map(|until| rounded_up(until.saturating_duration_since(Instant::now())));
    let left = left.into_iter().chain(lease.ttl).min();
    let lease = LeaseBody {
        lease: lease.id.map(distributex_actors::LeaseId::reveal).unwrap_or_default(),
        token: lease.token.0,
        pool: pool.name.as_str(),
        host: lease.host.as_str(),
        ttl: lease.ttl.map(Seconds),
        expires_in: left.map(Seconds),
        expires_at: left.and_then(|left| SystemTime::now().checked_add(left)).and_then(Moment::of),
        waited: Seconds(lease.waited),
        store: pool.store,
    };
    json(status, &lease)
}

/// The state of all pools.
pub(super) async fn pools(pools: &Pools) -> Result<HttpResponse, Problem> {
    let mut states = Vec::new();
    for (name, handle) in pools.iter() {
        let state = handle.state().await.map_err(|why| Problem::refused(why, name))?;
        states.push((name, state));
    }
    let states: Vec<_> =
        states.iter().map(|(name, state)| StateBody::of(name, state, pools.store())).collect();
    Ok(json(StatusCode::OK, &PoolsBody { pools: states, store: pools.store() }))
}

/// The state of one pool.
pub(super) async fn pool(pool: Pool<'_>) -> Result<HttpResponse, Problem> {
    let state = pool.handle.state().await.map_err(|why| Problem::refused(why, pool.name))?;
    Ok(json(StatusCode::OK, &StateBody::of(pool.name, &state, pool.store)))
}

/// Who holds with this token.
pub(super) async fn holder(pool: Pool<'_>, token: Option<Token>) -> Result<HttpResponse, Problem> {
    let state = pool.handle.state().await.map_err(|why| Problem::refused(why, pool.name))?;
    let holder = state.holders.iter().find(|holder| Some(holder.token) == token);
    let nobody =
        || Problem::new(Kind::NotFound, format!("nobody holds a slot of {} with this token", pool.name));
    let holder = HolderBody { store: Some(pool.store), ..HolderBody::of(holder.ok_or_else(nobody)?) };
    Ok(json(StatusCode::OK, &holder))
}

#[derive(Serialize)]
struct LeaseBody<'a> {
    lease: String,
    token: u64,
    pool: &'a str,
    host: &'a str,
    ttl: Option<Seconds>,
    expires_in: Option<Seconds>,
    expires_at: Option<Moment>,
    waited: Seconds,
    store: &'a str,
}

#[derive(Serialize)]
struct PoolsBody<'a> {
    pools: Vec<StateBody<'a>>,
    store: &'a str,
}

#[derive(Serialize)]
struct StateBody<'a> {
    name: &'a str,
    slots: u32,
    held: usize,
    holders: Vec<HolderBody<'a>>,
    line: LineBody<'a>,
    store: &'a str,
}

impl<'a> StateBody<'a> {
    fn of(name: &'a Name, state: &'a State, store: &'a str) -> Self {
        Self {
            name: name.as_str(),
            slots: state.slots,
            held: state.holders.len(),
            holders: state.holders.iter().map(HolderBody::of).collect(),
            line: LineBody {
                length: state.waiting,
                first: state.first.iter().map(WaitingBody::of).collect(),
            },
            store,
        }
    }
}

/// Who holds a slot.
#[derive(Serialize)]
pub(super) struct HolderBody<'a> {
    host: &'a str,
    token: u64,
    since: Option<Moment>,
    expires_in: Option<Seconds>,
    command: Option<&'a str>,
    /// Only where this is all of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
}

impl<'a> HolderBody<'a> {
    /// As it is told to anybody.
    pub(super) fn of(holder: &'a Holder) -> Self {
        Self {
            host: holder.host.as_str(),
            token: holder.token.0,
            since: SystemTime::now().checked_sub(holder.held).and_then(Moment::of),
            expires_in: holder.until.map(|until| Seconds(until.saturating_duration_since(Instant::now()))),
            command: holder.command.as_deref(),
            store: None,
        }
    }
}

#[derive(Serialize)]
struct LineBody<'a> {
    length: usize,
    first: Vec<WaitingBody<'a>>,
}

#[derive(Serialize)]
struct WaitingBody<'a> {
    ticket: u64,
    host: &'a str,
    waited: Seconds,
    present: bool,
}

impl<'a> WaitingBody<'a> {
    fn of(waiting: &'a Waiting) -> Self {
        Self {
            ticket: waiting.ticket.0,
            host: waiting.host.as_str(),
            waited: Seconds(waiting.waited),
            present: waiting.present,
        }
    }
}

/// A time as a number of seconds, to the millisecond below; whole seconds without a fraction.
struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.as_secs(), self.0.subsec_millis()) {
            (seconds, 0) => serializer.serialize_u64(seconds),
            (seconds, millis) => {
                serializer.serialize_f64((seconds * 1000 + u64::from(millis)) as f64 / 1000.0)
            }
        }
    }
}

fn rounded_up(time: Duration) -> Duration {
    const MILLISECOND: u32 = 1_000_000;
    let over = time.subsec_nanos() % MILLISECOND;
    if over == 0 { time } else { time + Duration::from_nanos(u64::from(MILLISECOND - over)) }
}

/// A moment as RFC 3339 writes it, in UTC, to the millisecond.
struct Moment(Timestamp);

impl Moment {
    fn of(time: SystemTime) -> Option<Self> {
        Timestamp::try_from(time).ok().map(Self)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}
