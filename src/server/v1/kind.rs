//! The kinds of errors: what programs go by.

use actix_web::http::StatusCode;
use distributex_actors::Refusal;

/// The kinds: few and fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum V1ErrorKind {
    BadRequest,
    Unauthorized,
    HostNotAllowed,
    NoSuchPool,
    NotFound,
    MethodNotAllowed,
    Superseded,
    LeaseLost,
    TooLarge,
    HeadTooLarge,
    PoolFull,
    WaitTimeout,
    PoolPaused,
    QueueFull,
    Internal,
    Draining,
    BackendDown,
}

impl V1ErrorKind {
    /// Its word and its status.
    pub(super) fn shown(self) -> (&'static str, StatusCode) {
        match self {
            Self::BadRequest => ("bad_request", StatusCode::BAD_REQUEST),
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED),
            Self::HostNotAllowed => ("host_not_allowed", StatusCode::FORBIDDEN),
            Self::NoSuchPool => ("no_such_pool", StatusCode::NOT_FOUND),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::Superseded => ("superseded", StatusCode::CONFLICT),
            Self::LeaseLost => ("lease_lost", StatusCode::GONE),
            Self::TooLarge => ("too_large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::HeadTooLarge => ("too_large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            Self::PoolFull => ("pool_full", StatusCode::LOCKED),
            Self::WaitTimeout => ("wait_over", StatusCode::LOCKED),
            Self::PoolPaused => ("pool_paused", StatusCode::LOCKED),
            Self::QueueFull => ("line_full", StatusCode::TOO_MANY_REQUESTS),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Draining => ("draining", StatusCode::SERVICE_UNAVAILABLE),
            Self::BackendDown => ("backend_down", StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// Whether asking again in a moment may help.
    pub(super) fn is_transient(self) -> bool {
        match self {
            Self::PoolFull | Self::PoolPaused | Self::QueueFull | Self::Draining | Self::BackendDown => true,
            Self::BadRequest
            | Self::Unauthorized
            | Self::HostNotAllowed
            | Self::NoSuchPool
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Superseded
            | Self::LeaseLost
            | Self::TooLarge
            | Self::HeadTooLarge
            | Self::WaitTimeout
            | Self::Internal => false,
        }
    }
}

impl From<Refusal> for V1ErrorKind {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::PoolFull => Self::PoolFull,
            Refusal::WaitTimeout => Self::WaitTimeout,
            Refusal::PoolPaused => Self::PoolPaused,
            Refusal::Superseded | Refusal::Evicted => Self::Superseded,
            Refusal::QueueFull => Self::QueueFull,
            Refusal::HostNotAllowed => Self::HostNotAllowed,
            Refusal::NoSuchPool => Self::NoSuchPool,
            Refusal::LeaseLost => Self::LeaseLost,
            Refusal::Draining => Self::Draining,
            Refusal::BackendDown => Self::BackendDown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_counted_under_the_word_that_clients_read() {
        for why in [
            Refusal::PoolFull,
            Refusal::WaitTimeout,
            Refusal::PoolPaused,
            Refusal::Evicted,
            Refusal::Superseded,
            Refusal::QueueFull,
            Refusal::HostNotAllowed,
            Refusal::NoSuchPool,
            Refusal::LeaseLost,
            Refusal::Draining,
            Refusal::BackendDown,
        ] {
            assert_eq!(V1ErrorKind::from(why).shown().0, why.word());
        }
    }
}
