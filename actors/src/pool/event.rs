//! Events that a pool's rules and a backend emit.

use std::{sync::Arc, time::Duration};

use distributex_config::Name;
use distributex_protocol::{error::ErrorKind, event::EventName};
use thiserror::Error;
use tokio::time::Instant;

use super::{AdminOutcome, LeaseId, Operator, PoolSnapshot, RequestId, Requester, Revocation, Ticket, Token};

/// Something that happened to a pool, or the outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A lease began. Its requester learns of it by [`Event::Answered`], now or when it reconnects.
    Granted {
        /// Fencing token.
        token: Token,
        /// Holder.
        host: Name,
        /// Time its requester spent in the queue.
        waited: Duration,
        /// Note of the request.
        command: Option<Arc<str>>,
    },
    /// A waiter entered the queue.
    Queued {
        /// Ticket of the queue entry.
        ticket: Ticket,
        /// The waiter's host.
        host: Name,
        /// Position in the queue; 1 = next.
        position: usize,
    },
    /// A waiter left the queue without a grant.
    Left {
        /// Ticket of the queue entry.
        ticket: Ticket,
        /// The waiter's host.
        host: Name,
    },
    /// The requester of this request holds a slot.
    Answered(Delivery),
    /// A request gets no slot now.
    Refused {
        /// The request.
        request: RequestId,
        /// The reason.
        why: Refusal,
        /// Position in the queue, or the one it would have; `None` where queueing would not help.
        position: Option<usize>,
    },
    /// This ask stands in the line.
    Parked {
        /// Whose place this is.
        request: RequestId,
        /// The number of the place.
        ticket: Ticket,
        /// How many stand before it, plus one.
        position: usize,
    },
    /// Outcome of a renewal: the lease lives on.
    Renewed {
        /// The request.
        request: RequestId,
        /// The lease.
        lease: LeaseDetails,
    },
    /// Outcome of a release.
    Released {
        /// The request.
        request: RequestId,
        /// Whether there was something to release.
        had: bool,
    },
    /// Outcome of a refresh: the backend's state is that of the store.
    Refreshed {
        /// The request.
        request: RequestId,
        /// The pool at that moment, if it has changed since in a way that must not be visible yet.
        state: Option<Box<PoolSnapshot>>,
    },
    /// Outcome of an admin action.
    ActionApplied {
        /// The request.
        request: RequestId,
        /// The outcome; `None` if no lease or waiter has that token or ticket.
        what: Option<AdminOutcome>,
    },
    /// The pool was paused (`Some`) or resumed (`None`) through another server.
    Paused(Option<Operator>),
    /// A lease ended.
    Ended(EndedLease),
    /// A lease of another server is no longer in the store; that server reports its end.
    EndedElsewhere(EndedLease),
    /// The store cannot be reached: nothing can be granted or released.
    StoreDown,
    /// The store can be reached again.
    StoreUp,
}

/// A grant for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The request.
    pub request: RequestId,
    /// The lease.
    pub lease: LeaseDetails,
    /// Whether an earlier response carried this lease.
    pub again: bool,
    /// When its slot became free, if a waiter was queued for it then.
    pub freed: Option<Instant>,
}

/// A lease that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedLease {
    /// Fencing token.
    pub token: Token,
    /// Secret id, if it had one.
    pub id: Option<LeaseId>,
    /// Requester that held it.
    pub requester: Requester,
    /// Note of the request.
    pub command: Option<Arc<str>>,
    /// Time its requester spent in the queue.
    pub waited: Duration,
    /// How long it was held.
    pub held: Duration,
    /// Why it ended.
    pub how: EndReason,
    /// The request that ended it, if one did.
    pub by: Option<RequestId>,
    /// The revocation, if the lease had been revoked.
    pub revoked: Option<Arc<Revocation>>,
}

/// A lease as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseDetails {
    /// Secret id; `None` for a lease that only its requester can end.
    pub id: Option<LeaseId>,
    /// Fencing token.
    pub token: Token,
    /// Holder.
    pub host: Name,
    /// Lifetime without renewal; `None`: unlimited.
    pub ttl: Option<Duration>,
    /// When it expires; `None`: never.
    pub until: Option<Instant>,
    /// Time its requester spent in the queue.
    pub waited: Duration,
    /// The revocation, if the lease is revoked.
    pub revoked: Option<Arc<Revocation>>,
}

/// Why a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// By its holder.
    Released,
    /// Its time to live was over.
    Expired,
    /// No response carried it to its requester, which did not reconnect within its patience.
    Undelivered,
    /// It is no longer in the store: released through another server, or dropped by the store.
    Vanished,
    /// By an operator's force-release.
    ForceReleased,
}

impl EndReason {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::Released, Self::Expired, Self::Undelivered, Self::Vanished, Self::ForceReleased];

    /// The event that reports it.
    #[must_use]
    pub fn event(self) -> EventName {
        match self {
            Self::Released => EventName::Released,
            Self::Expired => EventName::Expired,
            Self::Undelivered => EventName::Undelivered,
            Self::Vanished => EventName::Vanished,
            Self::ForceReleased => EventName::ForceReleased,
        }
    }

    /// The word for it in events, history, logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.event().word()
    }
}

/// Why a request got no slot, or a renewal failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Every slot is held, or waiters are queued for the next one.
    #[error("every slot is held")]
    PoolFull,
    /// The request's `wait` is over.
    #[error("no slot became free in time")]
    WaitTimeout,
    /// An operator paused the pool.
    #[error("the pool is paused")]
    PoolPaused,
    /// An operator evicted the waiter.
    #[error("an operator removed it from the queue")]
    Evicted,
    /// A later request of the same requester took over the queue entry, or released it.
    #[error("another request of this owner took over")]
    Superseded,
    /// The queue has `max_waiters` entries, or the server cannot park more requests.
    #[error("the queue is full")]
    QueueFull,
    /// The pool's `servers` do not name this host.
    #[error("this host may not use the pool")]
    HostNotAllowed,
    /// The pool was removed from the configuration.
    #[error("the pool no longer exists")]
    NoSuchPool,
    /// The lease to be renewed has ended.
    #[error("the lease has ended")]
    LeaseLost,
    /// The server is stopping.
    #[error("the server is stopping; retry shortly")]
    Draining,
    /// The store cannot be reached.
    #[error("the store is unreachable, or cannot store more; retry shortly")]
    BackendDown,
}

impl Refusal {
    /// Kind of the error in the v1 protocol.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::PoolFull => ErrorKind::PoolFull,
            Self::WaitTimeout => ErrorKind::WaitTimeout,
            Self::PoolPaused => ErrorKind::PoolPaused,
            Self::Evicted => ErrorKind::Evicted,
            Self::Superseded => ErrorKind::Superseded,
            Self::QueueFull => ErrorKind::QueueFull,
            Self::HostNotAllowed => ErrorKind::HostNotAllowed,
            Self::NoSuchPool => ErrorKind::NoSuchPool,
            Self::LeaseLost => ErrorKind::LeaseLost,
            Self::Draining => ErrorKind::Draining,
            Self::BackendDown => ErrorKind::BackendDown,
        }
    }
}
