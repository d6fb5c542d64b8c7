//! JSON out: what anybody may know of the pools.

use std::time::SystemTime;

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::{Holder, Operator, Pools, Refusal, Revoked, State, Token, Waiting};
use distributex_config::Name;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    Pool,
    answer::json,
    error::Problem,
    kind::Kind,
    time::{Moment, Seconds},
};

/// The state of all pools.
pub(super) async fn pools(pools: &Pools) -> Result<HttpResponse, Problem> {
    let mut states = Vec::new();
    for (name, handle) in pools.iter() {
        let (state, away) = match handle.state().await {
            Ok(state) => (state, false),
            Err(Refusal::Away) => {
                (handle.last_state().await.map_err(|why| Problem::refused(why, name))?, true)
            }
            Err(Refusal::NoSuchPool) => continue, // taken out of the configuration, and nobody holds a slot of it
            Err(why) => return Err(Problem::refused(why, name)),
        };
        states.push((name, state, away, pools.store(Some(name))));
    }
    let bodies =
        states.iter().map(|(name, state, away, store)| StateBody::of(name, state, *away, store.as_deref()));
    let store = pools.store(None);
    Ok(json(StatusCode::OK, &PoolsBody { pools: bodies.collect(), store: store.as_deref() }))
}

/// The state of one pool.
pub(super) async fn pool(pool: Pool<'_>) -> Result<HttpResponse, Problem> {
    let state = pool.handle.state().await.map_err(|why| Problem::refused(why, pool.name))?;
    let store = pool.store();
    Ok(json(StatusCode::OK, &StateBody::of(pool.name, &state, false, store.as_deref())))
}

/// The state of a pool that was to be resumed, and whether it had been paused.
pub(super) async fn resumed(pool: Pool<'_>, resumed: bool) -> Result<HttpResponse, Problem> {
    let state = pool.handle.state().await.map_err(|why| Problem::refused(why, pool.name))?;
    let store = pool.store();
    let pool = StateBody::of(pool.name, &state, false, store.as_deref());
    Ok(json(StatusCode::OK, &ResumedBody { pool, resumed }))
}

/// Who holds with this token.
pub(super) async fn holder(pool: Pool<'_>, token: Option<Token>) -> Result<HttpResponse, Problem> {
    let holder = match token {
        Some(token) => pool.handle.holder(token).await.map_err(|why| Problem::refused(why, pool.name))?,
        None => None,
    };
    let nobody =
        || Problem::new(Kind::NotFound, format!("nobody holds a slot of {} with this token", pool.name));
    let store = pool.store();
    let holder =
        HolderBody { store: store.as_deref(), ..HolderBody::of(holder.as_ref().ok_or_else(nobody)?) };
    Ok(json(StatusCode::OK, &holder))
}

#[derive(Serialize)]
struct PoolsBody<'a> {
    pools: Vec<StateBody<'a>>,
    /// Nothing if the pools are in several.
    store: Option<&'a str>,
}

#[derive(Serialize)]
struct ResumedBody<'a> {
    #[serde(flatten)]
    pool: StateBody<'a>,
    /// Whether it had been paused.
    resumed: bool,
}

#[derive(Serialize)]
struct StateBody<'a> {
    name: &'a str,
    slots: u32,
    held: usize,
    holders: Vec<HolderBody<'a>>,
    line: LineBody<'a>,
    paused: Option<PausedBody<'a>>,
    /// Whether this is how it was when the store could last be reached.
    away: bool,
    store: Option<&'a str>,
}

impl<'a> StateBody<'a> {
    fn of(name: &'a Name, state: &'a State, away: bool, store: Option<&'a str>) -> Self {
        Self {
            name: name.as_str(),
            slots: state.slots,
            held: state.held,
            holders: state.holders.iter().map(HolderBody::of).collect(),
            line: LineBody {
                length: state.waiting,
                first: state.first.iter().map(WaitingBody::of).collect(),
            },
            paused: state.paused.as_ref().map(PausedBody::of),
            away,
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
    /// Only if an operator wants the slot back.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<RevokedBody<'a>>,
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
            revoked: holder.revoked.as_deref().map(|Revoked { operator, .. }| RevokedBody {
                author: &operator.author,
                reason: &operator.reason,
                until: holder.free_at.and_then(Moment::at),
            }),
            store: None,
        }
    }
}

/// Who wants a slot back from its holder, why, and when it is free at the latest.
#[derive(Serialize)]
struct RevokedBody<'a> {
    author: &'a str,
    reason: &'a str,
    until: Option<Moment>,
}

/// Who paused a pool, and why.
#[derive(Serialize)]
pub(super) struct PausedBody<'a> {
    author: &'a str,
    reason: &'a str,
    since: Option<Moment>,
}

impl<'a> PausedBody<'a> {
    pub(super) fn of(Operator { author, reason, at }: &'a Operator) -> Self {
        Self { author, reason, since: Moment::of(*at) }
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
