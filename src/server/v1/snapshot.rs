//! Snapshots of pools.

use std::time::SystemTime;

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::{
    Holder, Operator, PageCursor, PoolSnapshot, Pools, Refusal, Revocation, Ticket, Token, WaiterSnapshot,
};
use distributex_config::Name;
use distributex_protocol::{
    admin::Resumed,
    error::ErrorKind,
    pool::{self as json_pool, PoolsPage},
};
use tokio::time::Instant;

use super::{NamedPool, answer::json, error::V1Error, time::wall_clock};
use crate::server::query::parameter;

/// Pools, holders and waiters that together fill a page of all pools.
const PAGE_ITEMS: usize = 1_000;

/// All pools, or those after the one that the query names.
pub(super) async fn pools(pools: &Pools, query: &str) -> Result<HttpResponse, V1Error> {
    let (mut states, mut length, mut next) = (Vec::new(), 0, None);
    let mut rest = pools.iter();
    if let Some(after) = parameter(query, "after")
        && !rest.any(|(name, _)| name.as_str() == after)
    {
        return Err(V1Error::new(
            ErrorKind::BadRequest,
            "unknown \"after\": use the \"next\" of the previous page",
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
            Err(Refusal::NoSuchPool) => continue, // removed from the configuration, and unused
            Err(why) => return Err(V1Error::refused(why, name)),
        };
        length += 1 + state.holders.len() + state.waiters.len();
        states.push((name, state, away, pools.store(Some(name))));
    }
    let bodies = states.iter().map(|(name, state, away, store)| body(name, state, *away, store.as_deref()));
    let store = pools.store(None);
    Ok(json(StatusCode::OK, &PoolsPage { pools: bodies.collect(), next, store: store.as_deref() }))
}

/// One pool: the page that the query names.
pub(super) async fn pool(pool: NamedPool<'_>, query: &str) -> Result<HttpResponse, V1Error> {
    let after = after(query)?;
    let state = pool.handle.snapshot_page(after).await.map_err(|why| V1Error::refused(why, pool.name))?;
    let store = pool.store();
    Ok(json(StatusCode::OK, &body(pool.name, &state, false, store.as_deref())))
}

/// A pool after a resume, and whether it had been paused.
pub(super) async fn resumed(pool: NamedPool<'_>, resumed: bool) -> Result<HttpResponse, V1Error> {
    let state = pool.handle.snapshot().await.map_err(|why| V1Error::refused(why, pool.name))?;
    let store = pool.store();
    let pool = body(pool.name, &state, false, store.as_deref());
    Ok(json(StatusCode::OK, &Resumed { pool, resumed: Some(resumed) }))
}

/// Parses a page cursor; opaque for clients, which take it from the previous page.
fn after(query: &str) -> Result<PageCursor, V1Error> {
    let Some(text) = parameter(query, "after") else { return Ok(PageCursor::default()) };
    let parsed = text.split_once('-').and_then(|(token, ticket)| {
        Some(PageCursor { token: Token(token.parse().ok()?), ticket: Ticket(ticket.parse().ok()?) })
    });
    parsed.ok_or_else(|| {
        V1Error::new(ErrorKind::BadRequest, "invalid \"after\": use the \"next\" of the previous page")
    })
}

/// The holder with this token.
pub(super) async fn holder(pool: NamedPool<'_>, token: Option<Token>) -> Result<HttpResponse, V1Error> {
    let holder = match token {
        Some(token) => pool.handle.holder(token).await.map_err(|why| V1Error::refused(why, pool.name))?,
        None => None,
    };
    let unknown = || V1Error::new(ErrorKind::NotFound, format!("no lease of {} has this token", pool.name));
    let store = pool.store();
    let holder =
        json_pool::Holder { store: store.as_deref(), ..holder_body(holder.as_ref().ok_or_else(unknown)?) };
    Ok(json(StatusCode::OK, &holder))
}

/// The body of a snapshot.
fn body<'a>(
    name: &'a Name,
    snapshot: &'a PoolSnapshot,
    store_down: bool,
    store: Option<&'a str>,
) -> json_pool::PoolSnapshot<&'a str> {
    json_pool::PoolSnapshot {
        name: name.as_str(),
        slots: u64::from(snapshot.slots),
        held: snapshot.held as u64,
        holders: snapshot.holders.iter().map(holder_body).collect(),
        queue: json_pool::Queue {
            length: snapshot.waiting as u64,
            waiters: snapshot.waiters.iter().map(waiter_body).collect(),
        },
        next: snapshot.next.map(|PageCursor { token, ticket }| format!("{}-{}", token.0, ticket.0)),
        paused: snapshot.paused.as_ref().map(pause_body),
        removed: snapshot.removed,
        store_down,
        store,
    }
}

/// The public view of a holder.
pub(super) fn holder_body(holder: &Holder) -> json_pool::Holder<&str> {
    json_pool::Holder {
        host: holder.host.as_str(),
        token: holder.token.0,
        since: SystemTime::now().checked_sub(holder.held),
        expires_in: holder.until.map(|until| until.saturating_duration_since(Instant::now())),
        command: holder.command.as_deref(),
        revoked: holder.revoked.as_deref().map(|Revocation { operator, .. }| json_pool::Revocation {
            author: &*operator.author,
            reason: &*operator.reason,
            until: holder.free_at.and_then(wall_clock),
        }),
        store: None,
    }
}

/// A pause.
pub(super) fn pause_body(Operator { author, reason, at }: &Operator) -> json_pool::Pause<&str> {
    json_pool::Pause { author, reason, since: Some(*at) }
}

fn waiter_body(waiter: &WaiterSnapshot) -> json_pool::Waiter<&str> {
    json_pool::Waiter {
        ticket: waiter.ticket.0,
        host: waiter.host.as_str(),
        waited: Some(waiter.waited),
        present: waiter.present,
    }
}
