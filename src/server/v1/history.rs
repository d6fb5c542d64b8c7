//! JSON out: the latest runs of a pool.

use actix_web::{HttpResponse, http::StatusCode};
use distributex_actors::telemetry::runs::Run;
use serde::Serialize;

use super::{
    Pool,
    answer::json,
    error::Problem,
    kind::Kind,
    time::{Moment, Seconds},
};

/// The runs of a pool that ended, the latest first.
pub(super) async fn history(pool: Pool<'_>) -> Result<HttpResponse, Problem> {
    let none = || {
        let message = "no history is kept here (\"history\" in the configuration of the server)";
        Problem::new(Kind::NotFound, message)
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
    waited: Seconds,
    held: Seconds,
    since: Option<Moment>,
    ended_at: Option<Moment>,
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
            waited: Seconds(lease.waited),
            held: Seconds(lease.held),
            since: at.checked_sub(lease.held).and_then(Moment::of),
            ended_at: Moment::of(*at),
            how: lease.how.word(),
            exit_status: *exit_status,
            author: operator.as_ref().map(|operator| &*operator.author),
            reason: operator.as_ref().map(|operator| &*operator.reason),
        }
    }
}
