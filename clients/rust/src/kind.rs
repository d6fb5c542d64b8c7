//! Why a server says no: a kind for programs, a sentence for people.

use std::fmt;

use super::{EndedLease, QueueInfo};

/// What a refusal means. A server may know more kinds than this client: an unknown one is read as the
/// kind that has its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request makes no sense.
    BadRequest,
    /// A key is missing or wrong.
    Unauthorized,
    /// The pool is not for this host.
    HostNotAllowed,
    /// The server has no such pool.
    NoSuchPool,
    /// There is nothing under this address.
    NotFound,
    /// Not with this method.
    MethodNotAllowed,
    /// The same asker asked again elsewhere; that request goes on.
    Superseded,
    /// The lease is over or was taken away.
    LeaseLost,
    /// The request is too long.
    TooLarge,
    /// Every slot is held.
    PoolFull,
    /// Every slot was held for all of the wait.
    WaitTimeout,
    /// The pool gives out nothing for the moment.
    PoolPaused,
    /// The line is as long as it may be.
    QueueFull,
    /// The server failed.
    Internal,
    /// The server is stopping.
    Draining,
    /// The server cannot reach its store.
    BackendDown,
}

impl ErrorKind {
    /// The kind with this name, or else the one that this HTTP status says.
    pub(super) fn parse(name: &str, status: u16) -> Self {
        Self::named(name).unwrap_or(match status {
            401 => Self::Unauthorized,
            403 => Self::HostNotAllowed,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            409 => Self::Superseded,
            410 => Self::LeaseLost,
            413 => Self::TooLarge,
            423 => Self::PoolFull,
            429 => Self::QueueFull,
            503 => Self::Draining,
            400..500 => Self::BadRequest,
            _ => Self::Internal,
        })
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bad_request" => Self::BadRequest,
            "unauthorized" => Self::Unauthorized,
            "host_not_allowed" => Self::HostNotAllowed,
            "no_such_pool" => Self::NoSuchPool,
            "not_found" => Self::NotFound,
            "method_not_allowed" => Self::MethodNotAllowed,
            "superseded" => Self::Superseded,
            "lease_lost" => Self::LeaseLost,
            "too_large" => Self::TooLarge,
            "pool_full" => Self::PoolFull,
            "wait_over" => Self::WaitTimeout,
            "pool_paused" => Self::PoolPaused,
            "line_full" => Self::QueueFull,
            "internal" => Self::Internal,
            "draining" => Self::Draining,
            "backend_down" => Self::BackendDown,
            _ => return None,
        })
    }

    /// Whether there was no slot, and one may come: asking goes on.
    #[must_use]
    pub fn is_contention(self) -> bool {
        matches!(self, Self::PoolFull | Self::WaitTimeout | Self::PoolPaused)
    }

    /// Whether it makes sense to ask for a slot again.
    #[must_use]
    pub fn is_transient(self) -> bool {
        self.is_contention()
            || self.is_server_unavailable()
            || matches!(self, Self::QueueFull | Self::LeaseLost)
    }

    /// Whether this server cannot help just now, but another one of the same store might.
    #[must_use]
    pub fn is_server_unavailable(self) -> bool {
        matches!(self, Self::Internal | Self::Draining | Self::BackendDown)
    }
}

/// A server's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it means.
    pub kind: ErrorKind,
    /// Why, and what to do, in the server's words.
    pub message: String,
    /// Who stands before the asker, if that is why.
    pub queue: Option<Box<QueueInfo>>,
    /// How the lease ended, if that is why.
    pub ended: Option<Box<EndedLease>>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_read_by_its_status() {
        assert_eq!(ErrorKind::parse("no_such_pool", 404), ErrorKind::NoSuchPool);
        assert_eq!(ErrorKind::parse("pool_haunted", 423), ErrorKind::PoolFull);
        assert_eq!(ErrorKind::parse("moon_phase", 418), ErrorKind::BadRequest);
        assert_eq!(ErrorKind::parse("backend_slow", 503), ErrorKind::Draining);
        assert_eq!(ErrorKind::parse("", 599), ErrorKind::Internal);
    }
}
