//! An event in the format of server-sent events.

use std::sync::Arc;

use distributex_actors::{
    AdminAction, Operator,
    telemetry::pool_event::{EventKind, PoolEvent},
};
use distributex_protocol::event::EventData;

/// The event with this id, as it is sent.
pub(super) fn text(event: &PoolEvent, id: &str) -> Arc<str> {
    let data = serde_json::to_string(&data(event)).unwrap_or_default(); // no event fails to serialize
    format!("id: {id}\nevent: {}\ndata: {data}\n\n", event.what.name().word()).into()
}

/// The data of an event.
fn data(PoolEvent { at, pool, what, .. }: &PoolEvent) -> EventData<&str> {
    let data = EventData { pool: Some(pool.as_str()), time: Some(*at), ..EventData::default() };
    match what {
        EventKind::Queued { host, ticket, position } => EventData {
            host: Some(host.as_str()),
            ticket: Some(ticket.0),
            position: Some(*position as u64),
            ..data
        },
        EventKind::Left { host, ticket } => {
            EventData { host: Some(host.as_str()), ticket: Some(ticket.0), ..data }
        }
        EventKind::Granted { host, token, waited, command } => EventData {
            host: Some(host.as_str()),
            token: Some(token.0),
            waited: Some(*waited),
            command: Some(command.as_deref()),
            ..data
        },
        EventKind::Ended(run) => EventData {
            host: Some(run.lease.requester.host().as_str()),
            token: Some(run.lease.token.0),
            held: Some(run.lease.held),
            command: Some(run.lease.command.as_deref()),
            exit_status: Some(run.exit_status),
            ..by(run.operator.as_deref(), data)
        },
        EventKind::RenewalRefused { known } => EventData {
            host: known.as_ref().map(|(host, _)| host.as_str()),
            token: known.as_ref().map(|(_, token)| token.0),
            ..data
        },
        EventKind::Admin { action, host, operator } => {
            let data =
                EventData { host: host.as_ref().map(|host| host.as_str()), ..by(Some(operator), data) };
            match action {
                AdminAction::Promote(ticket) | AdminAction::Evict(ticket) => {
                    EventData { ticket: Some(ticket.0), ..data }
                }
                AdminAction::Revoke(token, _) => EventData { token: Some(token.0), ..data },
                AdminAction::ForceRelease(_) | AdminAction::Pause | AdminAction::Resume => data,
            }
        }
        EventKind::StoreDown | EventKind::StoreUp | EventKind::Reconfigured => data,
    }
}

/// Adds the author, and the reason if one was given.
fn by<'a>(operator: Option<&'a Operator>, data: EventData<&'a str>) -> EventData<&'a str> {
    let Some(Operator { author, reason, .. }) = operator else { return data };
    EventData { author: Some(author), reason: Some(&**reason).filter(|reason| !reason.is_empty()), ..data }
}
