//! What calls are answered when something is wrong: a kind for programs, a sentence for people.

use std::{borrow::Cow, sync::Arc};

use actix_web::{
    HttpResponse,
    http::{
        ConnectionType,
        header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use distributex_actors::{Denial, Operator, PoolSnapshot, Refusal, telemetry::runs::Run};
use distributex_config::Name;
use serde::Serialize;

use super::{
    answer::json,
    ended::{self, EndedBody},
    kind::V1ErrorKind,
    snapshot::{HolderBody, PausedBody},
};

/// Why a call was not done.
#[derive(Debug)]
pub(super) struct V1Error {
    kind: V1ErrorKind,
    message: Cow<'static, str>,
    /// Where the asker stands or would stand, and the pool as it is.
    line: Option<(usize, Box<PoolSnapshot>)>,
    /// How the lease ended.
    ended: Option<Arc<Run>>,
    /// The methods that are allowed.
    allow: Option<&'static str>,
    /// Whether the connection ends with the answer.
    closes: bool,
}

impl V1Error {
    pub(super) fn new(kind: V1ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), line: None, ended: None, allow: None, closes: false }
    }

    /// The same, and the end of its connection.
    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    pub(super) fn not_found() -> Self {
        Self::new(V1ErrorKind::NotFound, "there is no such call; /openapi.json describes them all")
    }

    pub(super) fn not_allowed(allow: &'static str) -> Self {
        let message = format!("this call does not know the method; use {allow}");
        Self { allow: Some(allow), ..Self::new(V1ErrorKind::MethodNotAllowed, message) }
    }

    pub(super) fn no_such_pool(segment: &str) -> Self {
        let cut = &segment[..segment.floor_char_boundary(Name::MAX_BYTES)];
        Self::new(
            V1ErrorKind::NoSuchPool,
            format!("no pool is named {cut:?} in the configuration of the server"),
        )
    }

    /// A lease is over, and this is how it ended, if that is known.
    pub(super) fn lease_lost(ended: Option<Arc<Run>>) -> Self {
        let message = match &ended {
            Some(run) => ended::sentence(run).into(),
            None => Cow::from("there is no such lease or place any more: it was released, or it expired"),
        };
        Self { ended, ..Self::new(V1ErrorKind::LeaseLost, message) }
    }

    /// What a pool said no to.
    pub(super) fn refused(why: Refusal, pool: &Name) -> Self {
        match why {
            Refusal::LeaseLost => Self::lease_lost(None),
            Refusal::NoSuchPool => Self::no_such_pool(pool.as_str()),
            Refusal::PoolFull => Self::new(why.into(), format!("every slot of {pool} is held")),
            Refusal::WaitTimeout => Self::new(why.into(), format!("no slot of {pool} became free in time")),
            Refusal::PoolPaused => Self::new(why.into(), format!("{pool} is paused")),
            Refusal::Evicted => {
                let message = "an operator took this request out of the line; ask why before asking again";
                Self::new(why.into(), message)
            }
            Refusal::Superseded => {
                let message =
                    "a later request of this owner took over, or gave the place up; stop asking here";
                Self::new(why.into(), message)
            }
            Refusal::QueueFull => {
                Self::new(why.into(), format!("no more can wait for {pool}; ask again in a moment"))
            }
            Refusal::HostNotAllowed => Self::new(
                why.into(),
                format!("this host may not use {pool}; its \"servers\" in the configuration do not name it"),
            ),
            Refusal::Draining | Refusal::BackendDown => Self::new(why.into(), why.to_string()),
        }
    }

    /// Why an ask got no slot. Who may have a place has one if it is not behind all others.
    pub(super) fn denied(denial: Denial, pool: &Name, keeps_place: bool) -> Self {
        let problem = Self::refused(denial.why, pool);
        let (Some(place), Some(state)) = (denial.position, denial.state) else { return problem };
        if problem.kind == V1ErrorKind::QueueFull {
            return Self { line: Some((place, state)), ..problem };
        }
        let held = match (&state.paused, state.slots) {
            (Some(Operator { author, reason, .. }), _) if problem.kind == V1ErrorKind::PoolPaused => {
                format!("{pool} is paused by {author}: {reason}")
            }
            (_, 1) => format!("the slot of {pool} is held"),
            (_, slots) => format!("all {slots} slots of {pool} are held"),
        };
        let place_is = ordinal(place);
        let message = if keeps_place && place <= state.waiting {
            format!("{held}; you are {place_is} in line, and keep that place if you ask again soon")
        } else if problem.kind == V1ErrorKind::WaitTimeout {
            format!(
                "{held}, and the wait is over; only who names an \"owner\" keeps a place between two asks"
            )
        } else {
            format!("{held}; you would be {place_is} in line")
        };
        let message = message.into();
        Self { message, line: Some((place, state)), ..problem }
    }

    /// As it is sent by a server of this store, if that has ever been reached.
    pub(super) fn answer(self, store: Option<&str>) -> HttpResponse {
        let (kind, status) = self.kind.shown();
        let state = self.line.as_ref().map(|(_, state)| state);
        let body = ErrorBody {
            kind,
            message: &self.message,
            place: self.line.as_ref().map(|(place, _)| *place),
            line: state.map(|state| state.waiting),
            holders: state.map(|state| state.holders.iter().map(HolderBody::of).collect()),
            paused: state.and_then(|state| state.paused.as_ref()).map(PausedBody::of),
            ended: self.ended.as_deref().map(EndedBody::of),
            store,
        };
        let mut response = json(status, &body);
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.kind == V1ErrorKind::Unauthorized {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.kind.is_transient() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.closes {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holders: Option<Vec<HolderBody<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<PausedBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<EndedBody<'a>>,
    store: Option<&'a str>,
}

/// 1st, 2nd, 3rd, 4th.
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
    fn places_are_counted_as_people_do() {
        let places = [1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 23, 101, 111, 112, 121];
        assert_eq!(
            places.map(ordinal).join(" "),
            "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 23rd 101st 111th 112th 121st"
        );
    }
}
