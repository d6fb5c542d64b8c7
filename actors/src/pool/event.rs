//! What comes out of a pool's rules and of a backend.

use std::{fmt, sync::Arc, time::Duration};

use distributex_config::Name;
use thiserror::Error;
use tokio::time::Instant;

use super::{AdminOutcome, LeaseId, Operator, PoolSnapshot, RequestId, Requester, Revocation, Ticket, Token};

/// What happened to a pool, and what its askers are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A lease has begun. Its asker is told of it by [`Event::Granted`], now or when it comes back.
    Granted {
        /// Its fencing number.
        token: Token,
        /// Who has it.
        host: Name,
        /// How long its asker stood in line.
        waited: Duration,
        /// What the slot is for, if that was said.
        command: Option<Arc<str>>,
    },
    /// Somebody stands in the line who did not before.
    Queued {
        /// The number of the place.
        ticket: Ticket,
        /// Who it is.
        host: Name,
        /// How many stand before it, plus one.
        position: usize,
    },
    /// Somebody does not stand in the line any more, and was granted nothing.
    Left {
        /// The number of the place.
        ticket: Ticket,
        /// Who it was.
        host: Name,
    },
    /// This ask's asker holds a slot.
    Answered(Delivery),
    /// This ask gets no slot now.
    Refused {
        /// Whose answer this is.
        request: RequestId,
        /// The reason.
        why: Refusal,
        /// Where its asker stands in the line, or would stand; `None` where nothing would help.
        position: Option<usize>,
    },
    /// This ask stands in the line.
    Placed {
        /// Whose place this is.
        request: RequestId,
        /// The number of the place.
        ticket: Ticket,
        /// How many stand before it, plus one.
        position: usize,
    },
    /// This lease lives on: the answer to a renewal.
    Renewed {
        /// Whose answer this is.
        request: RequestId,
        /// The lease.
        lease: LeaseDetails,
    },
    /// The release that this ask wanted is done.
    Released {
        /// Whose answer this is.
        request: RequestId,
        /// Whether there was something to release.
        had: bool,
    },
    /// The backend's state is that of the store: the answer to a look.
    Refreshed {
        /// Whose answer this is.
        request: RequestId,
        /// The pool as it was then, if it has changed since in a way that is not to be seen yet.
        state: Option<Box<PoolSnapshot>>,
    },
    /// What an operator wanted is done.
    ActionApplied {
        /// Whose answer this is.
        request: RequestId,
        /// What came of it; `None` if nobody has that token or ticket.
        what: Option<AdminOutcome>,
    },
    /// The pool was paused, or goes on, by what an operator did at another server.
    Paused(Option<Operator>),
    /// A lease is over.
    Ended(EndedLease),
    /// A lease that another server granted is not in the store any more: that server reports its end.
    EndedElsewhere(EndedLease),
    /// The store cannot be reached: nothing can be granted or released.
    StoreDown,
    /// The store can be reached again.
    StoreUp,
}

/// A grant, as the ask is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose answer this is.
    pub request: RequestId,
    /// What it got.
    pub lease: LeaseDetails,
    /// Whether its asker was told of this lease before.
    pub again: bool,
    /// When its slot came free, if somebody stood in line for it then.
    pub freed: Option<Instant>,
}

/// A lease that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedLease {
    /// Its fencing number.
    pub token: Token,
    /// Its secret name, if it had one.
    pub id: Option<LeaseId>,
    /// Who had it.
    pub requester: Requester,
    /// What the slot was for, if that was said.
    pub command: Option<Arc<str>>,
    /// How long its asker stood in line.
    pub waited: Duration,
    /// How long it was held.
    pub held: Duration,
    /// How it ended.
    pub how: EndReason,
    /// The request that ended it, if one did.
    pub by: Option<RequestId>,
    /// Who had revoked it, if it was revoked.
    pub revoked: Option<Arc<Revocation>>,
}

/// A lease, as its holder knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseDetails {
    /// Its secret name; `None` for a lease that only its asker can end.
    pub id: Option<LeaseId>,
    /// Its fencing number.
    pub token: Token,
    /// Who holds it.
    pub host: Name,
    /// How long it lives without renewal; `None`: for ever.
    pub ttl: Option<Duration>,
    /// When it ends by itself; `None`: never.
    pub until: Option<Instant>,
    /// How long its asker stood in line.
    pub waited: Duration,
    /// Who revoked it, if it is revoked.
    pub revoked: Option<Arc<Revocation>>,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its holder gave it back.
    Released,
    /// Its time was over.
    Expired,
    /// Its asker was gone before anybody was told of it, and did not come back in time.
    Undelivered,
    /// It is not in the store any more: released through another server, or lost.
    Vanished,
    /// An operator took it away.
    ForceReleased,
}

impl EndReason {
    /// All ways to end.
    pub const ALL: [Self; 5] =
        [Self::Released, Self::Expired, Self::Undelivered, Self::Vanished, Self::ForceReleased];

    /// The word for it, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Undelivered => "unheard",
            Self::Vanished => "lost",
            Self::ForceReleased => "forced",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Undelivered => "taken back unheard",
            Self::Vanished => "not in the store any more",
            Self::ForceReleased => "force-released",
        })
    }
}

/// Why an ask got nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Every slot is held, or others stand in line for the next one.
    #[error("every slot is held")]
    PoolFull,
    /// The time that this request would wait is over.
    #[error("no slot became free in time")]
    WaitTimeout,
    /// An operator paused the pool.
    #[error("the pool is paused")]
    PoolPaused,
    /// An operator took its asker out of the line.
    #[error("an operator took it out of the line")]
    Evicted,
    /// A later ask of the same asker stands in its place, or its asker gave the place up.
    #[error("another request of this owner took over")]
    Superseded,
    /// No more asks may wait: the pool's `max_waiters`, or the server's descriptors.
    #[error("the line is full")]
    QueueFull,
    /// The pool's `servers` do not name this host.
    #[error("this host may not use the pool")]
    HostNotAllowed,
    /// The pool is not in the configuration any more.
    #[error("there is no such pool any more")]
    NoSuchPool,
    /// The lease that was to be renewed is over.
    #[error("the lease is lost")]
    LeaseLost,
    /// The server is stopping.
    #[error("the server is stopping; ask again in a moment")]
    Draining,
    /// The store cannot be reached.
    #[error("the store cannot be reached, or takes nothing more; ask again in a moment")]
    BackendDown,
}

impl Refusal {
    /// The word for it, for programs: the kind of an error in the v1 protocol.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PoolFull => "pool_full",
            Self::WaitTimeout => "wait_over",
            Self::PoolPaused => "pool_paused",
            Self::Evicted | Self::Superseded => "superseded",
            Self::QueueFull => "line_full",
            Self::HostNotAllowed => "host_not_allowed",
            Self::NoSuchPool => "no_such_pool",
            Self::LeaseLost => "lease_lost",
            Self::Draining => "draining",
            Self::BackendDown => "backend_down",
        }
    }
}
