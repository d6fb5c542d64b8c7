//! Admin actions on pools and on the server.

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::{AdminAction, AdminOutcome};
use distributex_protocol::{
    admin::{AdminVerb, ForceReleased, QueueChange, Reloaded, Revoked, WhoAmI},
    error::ErrorKind,
};

use self::auth::Right;
use super::{
    NamedPool,
    answer::json,
    error::V1Error,
    snapshot,
    time::{rounded_up, wall_clock},
};
use crate::server::{reload, shared::Shared};

pub(super) mod auth;
mod request;

/// Performs an action on a pool.
pub(super) async fn act(
    verb: AdminVerb,
    pool: NamedPool<'_>,
    body: &[u8],
    right: &Right,
) -> Result<HttpResponse, V1Error> {
    let (action, operator) = request::action(verb, body, right)?;
    let refused = |why| V1Error::refused(why, pool.name);
    if let AdminAction::ForceRelease(token) | AdminAction::Revoke(token, _) = action {
        let _ = pool.handle.holder(token).await.map_err(refused)?; // reads a store that other servers use too
    }
    let outcome = pool.handle.administer(action, operator).await.map_err(refused)?;
    let store = pool.store();
    let (pool_name, store) = (pool.name.as_str(), store.as_deref());
    Ok(match (action, outcome) {
        (AdminAction::Resume, Some(AdminOutcome::Set)) => snapshot::resumed(pool, true).await?,
        (AdminAction::Resume, Some(AdminOutcome::Unchanged)) => snapshot::resumed(pool, false).await?,
        (_, Some(AdminOutcome::Set)) => snapshot::pool(pool, "").await?,
        (AdminAction::ForceRelease(token), Some(AdminOutcome::Released { host, held, left })) => {
            let forced = ForceReleased {
                pool: pool_name,
                host: host.as_str(),
                token: token.0,
                held: Some(held),
                may_run_for: left.map(rounded_up),
                store,
            };
            json(StatusCode::OK, &forced)
        }
        (AdminAction::Revoke(token, _), Some(AdminOutcome::Revoked { host, until, notified })) => {
            let (host, until) = (host.as_str(), until.and_then(wall_clock));
            let revoked = Revoked { pool: pool_name, host, token: token.0, until, notified, store };
            json(StatusCode::OK, &revoked)
        }
        (AdminAction::Promote(ticket) | AdminAction::Evict(ticket), Some(AdminOutcome::Moved { host })) => {
            let position = matches!(action, AdminAction::Promote(_)).then_some(1);
            let change =
                QueueChange { pool: pool_name, host: host.as_str(), ticket: ticket.0, position, store };
            json(StatusCode::OK, &change)
        }
        (AdminAction::Promote(_) | AdminAction::Evict(_), _) => {
            return Err(unknown("waiter", pool, "ticket"));
        }
        (
            AdminAction::ForceRelease(_) | AdminAction::Revoke(..) | AdminAction::Pause | AdminAction::Resume,
            _,
        ) => {
            return Err(unknown("lease", pool, "token"));
        }
    })
}

/// Reloads the configuration.
pub(super) async fn reload(shared: &Shared, body: &[u8], right: &Right) -> Result<HttpResponse, V1Error> {
    let operator = request::reload(body, right)?;
    let bad = |mistakes: String| V1Error::new(ErrorKind::BadRequest, mistakes);
    let reloaded = reload::reload(shared, Some(&operator)).await.map_err(bad)?;
    let body = Reloaded { pools: reloaded.pools as u64, need_restart: reloaded.need_restart };
    Ok(json(StatusCode::OK, &body))
}

/// The author under which actions of this client are recorded.
pub(super) fn who_am_i(right: &Right) -> HttpResponse {
    json(StatusCode::OK, &WhoAmI { author: &*right.author(None) })
}

fn unknown(what: &str, pool: NamedPool<'_>, number: &str) -> V1Error {
    let message = format!("no {what} of {} has this {number}", pool.name);
    V1Error::new(ErrorKind::NotFound, message)
}
