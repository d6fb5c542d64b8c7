//! Error kinds with their HTTP statuses, and the error body.

use serde::{Deserialize, Serialize};

use crate::{
    lease::EndedLease,
    pool::{Holder, Pause},
};

/// Kind of an error, for programs. Kinds are few and fixed; the message of an error says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is malformed.
    BadRequest,
    /// A key is missing or wrong.
    Unauthorized,
    /// The pool's `servers` do not include the host.
    HostNotAllowed,
    /// The pool is not in the server's configuration.
    NoSuchPool,
    /// Unknown path, or nothing has this token or ticket.
    NotFound,
    /// The path has another method.
    MethodNotAllowed,
    /// A later request of the same owner took over.
    Superseded,
    /// An operator removed the request from the queue.
    Evicted,
    /// The lease has ended.
    LeaseLost,
    /// The body is too large.
    TooLarge,
    /// The head is too large; the word is that of [`ErrorKind::TooLarge`].
    HeadTooLarge,
    /// Every slot is held.
    PoolFull,
    /// No slot became free within the request's `wait`.
    WaitTimeout,
    /// An operator paused the pool.
    PoolPaused,
    /// The queue is full, or the server cannot park more requests.
    QueueFull,
    /// Too many readers of the event stream.
    TooManyReaders,
    /// Internal error of the server.
    Internal,
    /// The server is stopping.
    Draining,
    /// The store is unreachable.
    BackendDown,
}

impl ErrorKind {
    /// All kinds.
    pub const ALL: [Self; 19] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::HostNotAllowed,
        Self::NoSuchPool,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Superseded,
        Self::Evicted,
        Self::LeaseLost,
        Self::TooLarge,
        Self::HeadTooLarge,
        Self::PoolFull,
        Self::WaitTimeout,
        Self::PoolPaused,
        Self::QueueFull,
        Self::TooManyReaders,
        Self::Internal,
        Self::Draining,
        Self::BackendDown,
    ];

    /// The word in `kind`, and the HTTP status.
    #[must_use]
    pub const fn word_and_status(self) -> (&'static str, u16) {
        match self {
            Self::BadRequest => ("bad_request", 400),
            Self::Unauthorized => ("unauthorized", 401),
            Self::HostNotAllowed => ("host_not_allowed", 403),
            Self::NoSuchPool => ("no_such_pool", 404),
            Self::NotFound => ("not_found", 404),
            Self::MethodNotAllowed => ("method_not_allowed", 405),
            Self::Superseded => ("superseded", 409),
            Self::Evicted => ("evicted", 409),
            Self::LeaseLost => ("lease_lost", 410),
            Self::TooLarge => ("too_large", 413),
            Self::HeadTooLarge => ("too_large", 431),
            Self::PoolFull => ("pool_full", 423),
            Self::WaitTimeout => ("wait_timeout", 423),
            Self::PoolPaused => ("pool_paused", 423),
            Self::QueueFull => ("queue_full", 429),
            Self::TooManyReaders => ("too_many_readers", 429),
            Self::Internal => ("internal", 500),
            Self::Draining => ("draining", 503),
            Self::BackendDown => ("backend_down", 503),
        }
    }

    /// The word in `kind`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.word_and_status().0
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.word_and_status().1
    }

    /// The kind with this word; an unknown word is read by its status, as a later server may know more kinds.
    #[must_use]
    pub fn parse(word: &str, status: u16) -> Self {
        let mut same = Self::ALL.into_iter().filter(|kind| kind.word() == word);
        let first = same.next();
        match first {
            Some(kind) if kind.status() == status => kind,
            Some(kind) => same.find(|kind| kind.status() == status).unwrap_or(kind),
            None => Self::of_status(status),
        }
    }

    fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Unauthorized,
            403 => Self::HostNotAllowed,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            409 => Self::Superseded,
            410 => Self::LeaseLost,
            413 => Self::TooLarge,
            423 => Self::PoolFull,
            429 => Self::QueueFull,
            431 => Self::HeadTooLarge,
            503 => Self::Draining,
            400..500 => Self::BadRequest,
            _ => Self::Internal,
        }
    }

    /// Whether the server sends `Retry-After`: the same request may succeed in a moment.
    #[must_use]
    pub fn has_retry_after(self) -> bool {
        match self {
            Self::PoolFull
            | Self::PoolPaused
            | Self::QueueFull
            | Self::TooManyReaders
            | Self::Draining
            | Self::BackendDown => true,
            Self::BadRequest
            | Self::Unauthorized
            | Self::HostNotAllowed
            | Self::NoSuchPool
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Superseded
            | Self::Evicted
            | Self::LeaseLost
            | Self::TooLarge
            | Self::HeadTooLarge
            | Self::WaitTimeout
            | Self::Internal => false,
        }
    }

    /// Whether there was no slot, but one may become free: waiting continues.
    #[must_use]
    pub fn is_contention(self) -> bool {
        matches!(self, Self::PoolFull | Self::WaitTimeout | Self::PoolPaused)
    }

    /// Whether it makes sense to request a slot again.
    #[must_use]
    pub fn is_transient(self) -> bool {
        self.is_contention()
            || self.is_server_unavailable()
            || matches!(self, Self::QueueFull | Self::TooManyReaders | Self::LeaseLost)
    }

    /// Whether this server cannot help now, but another one of the same store might.
    #[must_use]
    pub fn is_server_unavailable(self) -> bool {
        matches!(self, Self::Internal | Self::Draining | Self::BackendDown)
    }
}

/// Body of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody<S = String> {
    /// Word of the [`ErrorKind`].
    pub kind: S,
    /// Sentence for people: what is wrong and what to do.
    #[serde(default)]
    pub message: S,
    /// The requester's position in the queue, or the one it would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Number of waiters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_length: Option<u64>,
    /// Holders of the pool, at most a hundred.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub holders: Option<Vec<Holder<S>>>,
    /// Who paused the pool.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause<S>>,
    /// How the lease ended.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndedLease<S>>,
    /// Id of the server's store; `None` until it was reached.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_by_word_and_unknown_ones_by_status() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::parse(kind.word(), kind.status()), kind);
        }
        assert_eq!(ErrorKind::parse("pool_haunted", 423), ErrorKind::PoolFull);
        assert_eq!(ErrorKind::parse("moon_phase", 418), ErrorKind::BadRequest);
        assert_eq!(ErrorKind::parse("backend_slow", 503), ErrorKind::Draining);
        assert_eq!(ErrorKind::parse("", 599), ErrorKind::Internal);
    }
}
