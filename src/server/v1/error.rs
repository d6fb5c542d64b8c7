//! JSON error responses: a kind for programs, a sentence for people.

use std::{borrow::Cow, sync::Arc};

use actix_web::{
    HttpResponse,
    http::{
        ConnectionType, StatusCode,
        header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use distributex_actors::{Denial, Operator, PoolSnapshot, Refusal, telemetry::runs::Run};
use distributex_config::Name;
use distributex_protocol::error::{ErrorBody, ErrorKind};

use super::{
    answer::json,
    ended,
    snapshot::{holder_body, pause_body},
};

/// An error response.
#[derive(Debug)]
pub(super) struct V1Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    /// The requester's position, or the one it would have, and the pool.
    queue: Option<(usize, Box<PoolSnapshot>)>,
    /// The run of a lease that has ended.
    ended: Option<Arc<Run>>,
    /// Allowed methods.
    allow: Option<&'static str>,
    /// Whether the connection closes after the response.
    closes: bool,
}

impl V1Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), queue: None, ended: None, allow: None, closes: false }
    }

    /// The same error, closing the connection.
    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    pub(super) fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "unknown path; see /openapi.json")
    }

    pub(super) fn not_allowed(allow: &'static str) -> Self {
        let message = format!("method not allowed; use {allow}");
        Self { allow: Some(allow), ..Self::new(ErrorKind::MethodNotAllowed, message) }
    }

    pub(super) fn no_such_pool(segment: &str) -> Self {
        let cut = &segment[..segment.floor_char_boundary(Name::MAX_BYTES)];
        Self::new(ErrorKind::NoSuchPool, format!("no pool named {cut:?}; GET /v1/pools lists all"))
    }

    /// A lease that has ended, with its run if that is remembered.
    pub(super) fn lease_lost(ended: Option<Arc<Run>>) -> Self {
        let message = match &ended {
            Some(run) => ended::sentence(run).into(),
            None => Cow::from("no such lease or queue entry: it was released, or has expired"),
        };
        Self { ended, ..Self::new(ErrorKind::LeaseLost, message) }
    }

    /// A refusal of a pool.
    pub(super) fn refused(why: Refusal, pool: &Name) -> Self {
        let message = match why {
            Refusal::LeaseLost => return Self::lease_lost(None),
            Refusal::NoSuchPool => return Self::no_such_pool(pool.as_str()),
            Refusal::PoolFull => format!("every slot of {pool} is held"),
            Refusal::WaitTimeout => format!("no slot of {pool} became free in time"),
            Refusal::PoolPaused => format!("{pool} is paused"),
            Refusal::Evicted => format!(
                "an operator removed this request from the queue of {pool}; check with them before retrying"
            ),
            Refusal::Superseded => {
                "superseded by a later request of the same owner; stop retrying this one".to_owned()
            }
            Refusal::QueueFull => format!("the queue of {pool} is full; retry shortly"),
            Refusal::HostNotAllowed => {
                format!("this host may not use {pool}: it is not among the pool's \"servers\"")
            }
            Refusal::Draining | Refusal::BackendDown => why.to_string(),
        };
        Self::new(why.kind(), message)
    }

    /// A refusal of an acquire, with the requester's position. `keeps_position`: whether the requester has a queue entry
    /// that outlives its request.
    pub(super) fn denied(denial: Denial, pool: &Name, keeps_position: bool) -> Self {
        let error = Self::refused(denial.why, pool);
        let (Some(position), Some(snapshot)) = (denial.position, denial.state) else { return error };
        if error.kind == ErrorKind::QueueFull {
            return Self { queue: Some((position, snapshot)), ..error };
        }
        let held = match (&snapshot.paused, snapshot.slots) {
            (Some(Operator { author, reason, .. }), _) if error.kind == ErrorKind::PoolPaused => {
                format!("{pool} is paused by {author}: {reason}")
            }
            (_, 1) => format!("the slot of {pool} is held"),
            (_, slots) => format!("all {slots} slots of {pool} are held"),
        };
        let nth = ordinal(position);
        let message = if keeps_position && position <= snapshot.waiting {
            format!("{held}; you are {nth} in the queue, and keep that position if you retry soon")
        } else if error.kind == ErrorKind::WaitTimeout {
            format!("{held}, and the wait is over; set \"owner\" to keep your position between requests")
        } else {
            format!("{held}; you would be {nth} in the queue")
        };
        Self { message: message.into(), queue: Some((position, snapshot)), ..error }
    }

    /// The response of a server with this store; `None` until the store was reached.
    pub(super) fn answer(self, store: Option<&str>) -> HttpResponse {
        let snapshot = self.queue.as_ref().map(|(_, snapshot)| snapshot);
        let body = ErrorBody {
            kind: self.kind.word(),
            message: &*self.message,
            position: self.queue.as_ref().map(|(position, _)| *position as u64),
            queue_length: snapshot.map(|snapshot| snapshot.waiting as u64),
            holders: snapshot.map(|snapshot| snapshot.holders.iter().map(holder_body).collect()),
            paused: snapshot.and_then(|snapshot| snapshot.paused.as_ref()).map(pause_body),
            ended: self.ended.as_deref().map(ended::body),
            store,
        };
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, &body);
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.kind == ErrorKind::Unauthorized {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.kind.has_retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.closes {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

/// English ordinal: 1st, 2nd, 3rd, 4th.
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, 1 | 21..) => "st",
        (2, 2 | 22..) => "nd",
        (3, 3 | 23..) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_end_as_in_english() {
        let numbers = [1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 23, 101, 111, 112, 121];
        assert_eq!(
            numbers.map(ordinal).join(" "),
            "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 23rd 101st 111th 112th 121st"
        );
    }
}
