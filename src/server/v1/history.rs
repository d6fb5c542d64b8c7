//! JSON out: the latest runs of a pool.

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::telemetry::runs::Run;
use serde::Serialize;

use super::{
    NamedPool,
    answer::json,
    error::V1Error,
    kind::V1ErrorKind,
    time::{JsonSeconds, JsonTimestamp},
};

/// The runs of a pool that ended, the latest first.
pub(super) async fn history(pool: NamedPool<'_>) -> Result<HttpResponse, V1Error> {
    let none = || {
        let message = "no history is kept here (\"history\" in the configuration of the server)";
        V1Error::new(V1ErrorKind::NotFound, message)
    };
    let runs = pool.handle.history().await.ok_or_else(none)?;
    let store = pool.store();
    let runs = runs.iter().map(|run| RunBody::of(run)).collect();
    Ok(json(StatusCode::OK, &HistoryBody { pool: pool.name.as_str(), runs, store: store.as_deref() }))
}

#[derive(Serialize)]
struct HistoryBody<'a> {
    pool: &'a str,
    runs: Vec<RunBody<'a>>,
    store: Option<&'a str>,
}

#[derive(Serialize)]
struct RunBody<'a> {
    host: &'a str,
    token: u64,
    command: Option<&'a str>,
    waited: JsonSeconds,
    held: JsonSeconds,
    since: Option<JsonTimestamp>,
    ended_at: Option<JsonTimestamp>,
    how: &'static str,
    exit_status: Option<u8>,
    author: Option<&'a str>,
    reason: Option<&'a str>,
}

impl<'a> RunBody<'a> {
    fn of(Run { lease, at, exit_status, operator }: &'a Run) -> Self {
        Self {
            host: lease.requester.host().as_str(),
            token: lease.token.0,
            command: lease.command.as_deref(),
            waited: JsonSeconds(lease.waited),
            held: JsonSeconds(lease.held),
            since: at.checked_sub(lease.held).and_then(JsonTimestamp::of),
            ended_at: JsonTimestamp::of(*at),
            how: lease.how.word(),
            exit_status: *exit_status,
            author: operator.as_ref().map(|operator| &*operator.author),
            reason: operator.as_ref().map(|operator| &*operator.reason),
        }
    }
}
