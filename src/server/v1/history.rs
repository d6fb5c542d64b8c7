//! History of a pool.

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::telemetry::runs::Run;
use distributex_protocol::{error::ErrorKind, history};

use super::{NamedPool, answer::json, error::V1Error};

/// The ended runs of a pool, the latest first.
pub(super) async fn history(pool: NamedPool<'_>) -> Result<HttpResponse, V1Error> {
    let disabled = || V1Error::new(ErrorKind::NotFound, "the history is disabled (history_runs: 0)");
    let runs = pool.handle.history().await.ok_or_else(disabled)?;
    let store = pool.store();
    let runs = runs.iter().map(|run| body(run)).collect();
    let history = history::History { pool: pool.name.as_str(), runs, store: store.as_deref() };
    Ok(json(StatusCode::OK, &history))
}

fn body(Run { lease, at, exit_status, operator }: &Run) -> history::Run<&str> {
    history::Run {
        host: lease.requester.host().as_str(),
        token: lease.token.0,
        command: lease.command.as_deref(),
        waited: Some(lease.waited),
        held: Some(lease.held),
        since: at.checked_sub(lease.held),
        ended_at: Some(*at),
        how: lease.how.word(),
        exit_status: *exit_status,
        author: operator.as_ref().map(|operator| &*operator.author),
        reason: operator.as_ref().map(|operator| &*operator.reason),
    }
}
