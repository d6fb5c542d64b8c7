//! Levers: what an operator does to a pool, or to the server.

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::{AdminAction, AdminOutcome};

use self::{
    answer::{ForceReleasedBody, QueueChangeBody, ReloadedBody, RevokeAnswerBody, WhoAmIBody},
    auth::Right,
};
use super::{
    NamedPool,
    answer::json,
    error::V1Error,
    kind::V1ErrorKind,
    path::AdminPath,
    snapshot,
    time::{JsonSeconds, JsonTimestamp, rounded_up},
};
use crate::server::{reload, shared::Shared};

mod answer;
pub(super) mod auth;
mod request;

/// Pulls a lever of a pool.
pub(super) async fn pull(
    pull: AdminPath,
    pool: NamedPool<'_>,
    body: &[u8],
    right: &Right,
) -> Result<HttpResponse, V1Error> {
    let (action, operator) = request::pulled(pull, body, right)?;
    let refused = |why| V1Error::refused(why, pool.name);
    if let AdminAction::ForceRelease(token) | AdminAction::Revoke(token, _) = action {
        let _ = pool.handle.holder(token).await.map_err(refused)?; // a store that others use, too, is looked at
    }
    let pulled = pool.handle.administer(action, operator).await.map_err(refused)?;
    let store = pool.store();
    let (pool_name, store) = (pool.name.as_str(), store.as_deref());
    Ok(match (action, pulled) {
        (AdminAction::Resume, Some(AdminOutcome::Set)) => snapshot::resumed(pool, true).await?,
        (AdminAction::Resume, Some(AdminOutcome::Unchanged)) => snapshot::resumed(pool, false).await?,
        (_, Some(AdminOutcome::Set)) => snapshot::pool(pool, "").await?,
        (AdminAction::ForceRelease(token), Some(AdminOutcome::Released { host, held, left })) => {
            let forced = ForceReleasedBody {
                pool: pool_name,
                host: host.as_str(),
                token: token.0,
                held: JsonSeconds(held),
                may_run_for: left.map(rounded_up).map(JsonSeconds),
                store,
            };
            json(StatusCode::OK, &forced)
        }
        (AdminAction::Revoke(token, _), Some(AdminOutcome::Revoked { host, until, notified })) => {
            let (host, until) = (host.as_str(), until.and_then(JsonTimestamp::at));
            let revoked = RevokeAnswerBody { pool: pool_name, host, token: token.0, until, notified, store };
            json(StatusCode::OK, &revoked)
        }
        (AdminAction::Promote(ticket) | AdminAction::Evict(ticket), Some(AdminOutcome::Moved { host })) => {
            let place = matches!(action, AdminAction::Promote(_)).then_some(1);
            let in_line =
                QueueChangeBody { pool: pool_name, host: host.as_str(), ticket: ticket.0, place, store };
            json(StatusCode::OK, &in_line)
        }
        (AdminAction::Promote(_) | AdminAction::Evict(_), _) => {
            return Err(nobody("is in the line", pool, "ticket"));
        }
        (
            AdminAction::ForceRelease(_) | AdminAction::Revoke(..) | AdminAction::Pause | AdminAction::Resume,
            _,
        ) => {
            return Err(nobody("holds a slot", pool, "token"));
        }
    })
}

/// Lets the server read its configuration again.
pub(super) async fn reload(shared: &Shared, body: &[u8], right: &Right) -> Result<HttpResponse, V1Error> {
    let operator = request::reload(body, right)?;
    let bad = |mistakes: String| V1Error::new(V1ErrorKind::BadRequest, mistakes);
    let reloaded = reload::reload(shared, Some(&operator)).await.map_err(bad)?;
    let body = ReloadedBody { pools: reloaded.pools, need_restart: &reloaded.need_restart };
    Ok(json(StatusCode::OK, &body))
}

/// Tells whose key or user a request came with.
pub(super) fn who_am_i(right: &Right) -> HttpResponse {
    json(StatusCode::OK, &WhoAmIBody { author: &right.author(None) })
}

fn nobody(does: &str, pool: NamedPool<'_>, with: &str) -> V1Error {
    let message = format!("nobody {does} of {} with this {with} (any more)", pool.name);
    V1Error::new(V1ErrorKind::NotFound, message)
}
