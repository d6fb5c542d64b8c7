//! JSON out: what anybody may know of the pools.

use std::time::SystemTime;

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::{
    Holder, Operator, PageCursor, PoolSnapshot, Pools, Refusal, Revocation, Ticket, Token, WaiterSnapshot,
};
use distributex_config::Name;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    NamedPool,
    answer::json,
    error::V1Error,
    kind::V1ErrorKind,
    time::{JsonSeconds, JsonTimestamp},
};
use crate::server::query::parameter;

/// So many pools, holders and waiters together fill a page of all pools.
const PAGE_ITEMS: usize = 1_000;

/// The state of all pools, or of those behind the one that the query names.
pub(super) async fn pools(pools: &Pools, query: &str) -> Result<HttpResponse, V1Error> {
    let (mut states, mut length, mut next) = (Vec::new(), 0, None);
    let mut rest = pools.iter();
    if let Some(after) = parameter(query, "after")
        && !rest.any(|(name, _)| name.as_str() == after)
    {
        return Err(V1Error::new(
            V1ErrorKind::BadRequest,
            "no page begins behind this pool: take \"next\" of the page before",
        ));
    }
    for (name, handle) in rest {
        if length >= PAGE_ITEMS {
            next = states.last().map(|(name, ..): &(&Name, PoolSnapshot, bool, _)| name.as_str());
            break;
        }
        let (state, away) = match handle.snapshot().await {
            Ok(state) => (state, false),
            Err(Refusal::BackendDown) => {
                (handle.cached_snapshot().await.map_err(|why| V1Error::refused(why, name))?, true)
            }
            Err(Refusal::NoSuchPool) => continue, // taken out of the configuration, and nobody holds a slot of it
            Err(why) => return Err(V1Error::refused(why, name)),
        };
        length += 1 + state.holders.len() + state.waiters.len();
        states.push((name, state, away, pools.store(Some(name))));
    }
    let bodies =
        states.iter().map(|(name, state, away, store)| PoolBody::of(name, state, *away, store.as_deref()));
    let store = pools.store(None);
    Ok(json(StatusCode::OK, &PoolsBody { pools: bodies.collect(), next, store: store.as_deref() }))
}

/// The state of one pool: the page that the query names.
pub(super) async fn pool(pool: NamedPool<'_>, query: &str) -> Result<HttpResponse, V1Error> {
    let after = after(query)?;
    let state = pool.handle.snapshot_page(after).await.map_err(|why| V1Error::refused(why, pool.name))?;
    let store = pool.store();
    Ok(json(StatusCode::OK, &PoolBody::of(pool.name, &state, false, store.as_deref())))
}

/// The state of a pool that was to be resumed, and whether it had been paused.
pub(super) async fn resumed(pool: NamedPool<'_>, resumed: bool) -> Result<HttpResponse, V1Error> {
    let state = pool.handle.snapshot().await.map_err(|why| V1Error::refused(why, pool.name))?;
    let store = pool.store();
    let pool = PoolBody::of(pool.name, &state, false, store.as_deref());
    Ok(json(StatusCode::OK, &ResumedBody { pool, resumed }))
}

/// Where a page begins. Clients take it from the page before, and need not know what it means.
fn after(query: &str) -> Result<PageCursor, V1Error> {
    let Some(text) = parameter(query, "after") else { return Ok(PageCursor::default()) };
    let parsed = text.split_once('-').and_then(|(token, ticket)| {
        Some(PageCursor { token: Token(token.parse().ok()?), ticket: Ticket(ticket.parse().ok()?) })
    });
    parsed.ok_or_else(|| {
        V1Error::new(V1ErrorKind::BadRequest, "\"after\" names no page: take \"next\" of the page before")
    })
}

/// Who holds with this token.
pub(super) async fn holder(pool: NamedPool<'_>, token: Option<Token>) -> Result<HttpResponse, V1Error> {
    let holder = match token {
        Some(token) => pool.handle.holder(token).await.map_err(|why| V1Error::refused(why, pool.name))?,
        None => None,
    };
    let nobody = || {
        V1Error::new(V1ErrorKind::NotFound, format!("nobody holds a slot of {} with this token", pool.name))
    };
    let store = pool.store();
    let holder =
        HolderBody { store: store.as_deref(), ..HolderBody::of(holder.as_ref().ok_or_else(nobody)?) };
    Ok(json(StatusCode::OK, &holder))
}

#[derive(Serialize)]
struct PoolsBody<'a> {
    pools: Vec<PoolBody<'a>>,
    /// The last pool of this page, if there are more.
    next: Option<&'a str>,
    /// Nothing if the pools are in several.
    store: Option<&'a str>,
}

#[derive(Serialize)]
struct ResumedBody<'a> {
    #[serde(flatten)]
    pool: PoolBody<'a>,
    /// Whether it had been paused.
    resumed: bool,
}

#[derive(Serialize)]
struct PoolBody<'a> {
    name: &'a str,
    slots: u32,
    held: usize,
    holders: Vec<HolderBody<'a>>,
    line: QueueBody<'a>,
    /// Where the next page begins, if there are more holders or waiters.
    next: Option<String>,
    paused: Option<PausedBody<'a>>,
    /// Whether the pool was taken out of the configuration.
    removed: bool,
    /// Whether this is how it was when the store could last be reached.
    away: bool,
    store: Option<&'a str>,
}

impl<'a> PoolBody<'a> {
    fn of(name: &'a Name, state: &'a PoolSnapshot, away: bool, store: Option<&'a str>) -> Self {
        Self {
            name: name.as_str(),
            slots: state.slots,
            held: state.held,
            holders: state.holders.iter().map(HolderBody::of).collect(),
            line: QueueBody {
                length: state.waiting,
                first: state.waiters.iter().map(WaiterBody::of).collect(),
            },
            next: state.next.map(|PageCursor { token, ticket }| format!("{}-{}", token.0, ticket.0)),
            paused: state.paused.as_ref().map(PausedBody::of),
            removed: state.removed,
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
    since: Option<JsonTimestamp>,
    expires_in: Option<JsonSeconds>,
    command: Option<&'a str>,
    /// Only if an operator wants the slot back.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<HolderRevocationBody<'a>>,
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
            since: SystemTime::now().checked_sub(holder.held).and_then(JsonTimestamp::of),
            expires_in: holder
                .until
                .map(|until| JsonSeconds(until.saturating_duration_since(Instant::now()))),
            command: holder.command.as_deref(),
            revoked: holder.revoked.as_deref().map(|Revocation { operator, .. }| HolderRevocationBody {
                author: &operator.author,
                reason: &operator.reason,
                until: holder.free_at.and_then(JsonTimestamp::at),
            }),
            store: None,
        }
    }
}

/// Who wants a slot back from its holder, why, and when it is free at the latest.
#[derive(Serialize)]
struct HolderRevocationBody<'a> {
    author: &'a str,
    reason: &'a str,
    until: Option<JsonTimestamp>,
}

/// Who paused a pool, and why.
#[derive(Serialize)]
pub(super) struct PausedBody<'a> {
    author: &'a str,
    reason: &'a str,
    since: Option<JsonTimestamp>,
}

impl<'a> PausedBody<'a> {
    pub(super) fn of(Operator { author, reason, at }: &'a Operator) -> Self {
        Self { author, reason, since: JsonTimestamp::of(*at) }
    }
}

#[derive(Serialize)]
struct QueueBody<'a> {
    length: usize,
    first: Vec<WaiterBody<'a>>,
}

#[derive(Serialize)]
struct WaiterBody<'a> {
    ticket: u64,
    host: &'a str,
    waited: JsonSeconds,
    present: bool,
}

impl<'a> WaiterBody<'a> {
    fn of(waiting: &'a WaiterSnapshot) -> Self {
        Self {
            ticket: waiting.ticket.0,
            host: waiting.host.as_str(),
            waited: JsonSeconds(waiting.waited),
            present: waiting.present,
        }
    }
}
