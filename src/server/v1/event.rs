//! One event, as it is sent.

use std::sync::Arc;

use distributex_actors::{
    AdminAction, Operator,
    telemetry::pool_event::{EventKind, PoolEvent},
};
use serde::Serialize;

use super::time::{JsonSeconds, JsonTimestamp};

/// An event: its word, and what it tells.
pub(super) struct EventBody<'a> {
    event: &'static str,
    data: Data<'a>,
}

/// What an event tells. What it has nothing to say of is left out, but for notes that a lease may have.
#[derive(Serialize)]
struct Data<'a> {
    pool: &'a str,
    time: Option<JsonTimestamp>,
    #[serde(flatten)]
    about: About<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Whom it is about.
#[derive(Serialize)]
#[serde(untagged)]
enum About<'a> {
    /// A place in the line.
    Place {
        host: &'a str,
        ticket: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        place: Option<usize>,
    },
    /// A lease that began.
    Grant { host: &'a str, token: u64, waited: JsonSeconds, command: Option<&'a str> },
    /// A lease that ended.
    End { host: &'a str, token: u64, held: JsonSeconds, command: Option<&'a str>, exit_status: Option<u8> },
    /// A lease that goes on, and to which something happened.
    Lease { host: &'a str, token: u64 },
    /// A lease that was lost before somebody wanted to renew it.
    Lost { host: Option<&'a str>, token: Option<u64> },
    /// The pool itself.
    Pool {},
}

impl<'a> EventBody<'a> {
    /// As it is told to anybody.
    pub(super) fn of(PoolEvent { at, pool, what, .. }: &'a PoolEvent) -> Self {
        let operator = match what {
            EventKind::Ended(run) => run.operator.as_deref(),
            EventKind::Admin { operator, .. } => Some(&**operator),
            EventKind::Queued { .. }
            | EventKind::Left { .. }
            | EventKind::Granted { .. }
            | EventKind::RenewalRefused { .. }
            | EventKind::StoreDown
            | EventKind::StoreUp
            | EventKind::Reconfigured => None,
        };
        let data = Data {
            pool: pool.as_str(),
            time: JsonTimestamp::of(*at),
            about: About::of(what),
            author: operator.map(|Operator { author, .. }| &**author),
            reason: operator.map(|Operator { reason, .. }| &**reason).filter(|reason| !reason.is_empty()),
        };
        Self { event: what.word(), data }
    }

    /// As it is sent under this name.
    pub(super) fn text(&self, id: &str) -> Arc<str> {
        let data = serde_json::to_string(&self.data).unwrap_or_default(); // no value here fails
        format!("id: {id}\nevent: {}\ndata: {data}\n\n", self.event).into()
    }
}

impl<'a> About<'a> {
    fn of(what: &'a EventKind) -> Self {
        match what {
            EventKind::Queued { host, ticket, position: place } => {
                Self::Place { host: host.as_str(), ticket: ticket.0, place: Some(*place) }
            }
            EventKind::Left { host, ticket } => {
                Self::Place { host: host.as_str(), ticket: ticket.0, place: None }
            }
            EventKind::Granted { host, token, waited, command } => Self::Grant {
                host: host.as_str(),
                token: token.0,
                waited: JsonSeconds(*waited),
                command: command.as_deref(),
            },
            EventKind::Ended(run) => Self::End {
                host: run.lease.requester.host().as_str(),
                token: run.lease.token.0,
                held: JsonSeconds(run.lease.held),
                command: run.lease.command.as_deref(),
                exit_status: run.exit_status,
            },
            EventKind::RenewalRefused { known } => Self::Lost {
                host: known.as_ref().map(|(host, _)| host.as_str()),
                token: known.as_ref().map(|(_, token)| token.0),
            },
            EventKind::Admin {
                action: AdminAction::Promote(ticket) | AdminAction::Evict(ticket),
                host: Some(host),
                ..
            } => Self::Place { host: host.as_str(), ticket: ticket.0, place: None },
            EventKind::Admin { action: AdminAction::Revoke(token, _), host: Some(host), .. } => {
                Self::Lease { host: host.as_str(), token: token.0 }
            }
            EventKind::Admin { .. } | EventKind::StoreDown | EventKind::StoreUp | EventKind::Reconfigured => {
                Self::Pool {}
            }
        }
    }
}
