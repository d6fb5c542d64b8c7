//! One pool: its words, its rules, its line and its actor.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use actix::Message;
use distributex_config::Name;
use thiserror::Error;
use tokio::time::Instant;

pub mod actor;
pub mod grant;
pub mod handle;
pub mod lease;
pub mod line;
pub mod rules;

/// Names one ask in this process, from its arrival to its answer. Says nothing about order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(u64);

impl AskId {
    /// A number that no other ask has.
    #[must_use]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The fencing number of a lease: every grant of a pool has a larger one than all grants before it, so that
/// what the lock protects can refuse an older holder. Stays below 2^53, where JSON numbers are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

impl Token {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a place in a line: who came later has a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Somebody asks for a slot.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Under which the answer is awaited.
    pub id: AskId,
    /// Who asks, as it names itself.
    pub host: Name,
    /// Whether it stands in line when no slot is free.
    pub wait: bool,
}

/// What comes out of a pool's rules and of a backend, at any time.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Event {
    /// This ask's host holds a slot.
    Granted(Granted),
    /// This ask gets no slot, and stands in no line.
    Refused {
        /// Whose answer this is.
        ask: AskId,
        /// The reason.
        why: Refusal,
    },
    /// This ask stands in the line.
    Placed {
        /// Whose place this is.
        ask: AskId,
        /// The number of the place.
        ticket: Ticket,
        /// How many stand before it, plus one.
        place: usize,
    },
    /// This lease lives on: the answer to a renewal.
    Renewed {
        /// Whose answer this is.
        ask: AskId,
        /// When it ends without another renewal; `None`: never.
        until: Option<Instant>,
    },
    /// The release that this ask wanted is done, or there was nothing to release.
    Released {
        /// Whose answer this is.
        ask: AskId,
    },
    /// A lease is over.
    Ended {
        /// Which one.
        token: Token,
        /// Who had it.
        host: Name,
        /// How it ended.
        how: Ending,
        /// How long it was held.
        held: Duration,
    },
    /// The store cannot be reached: nothing can be granted or released.
    Away,
    /// The store can be reached again.
    Back,
}

/// A lease, as the ask that brought it is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Whose answer this is.
    pub ask: AskId,
    /// The lease's fencing number.
    pub token: Token,
    /// Who holds it.
    pub host: Name,
    /// Whether the lease began now; otherwise the host had it already, or another wait of it brought it.
    pub new: bool,
    /// How long this ask stood in line.
    pub waited: Duration,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its holder gave it back.
    Released,
    /// Its time was over.
    Expired,
    /// Its asker was gone before anybody was told of it.
    Unheard,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Unheard => "taken back unheard",
        })
    }
}

/// Why an ask got nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Every slot is held, or others stand in line for the next one.
    #[error("every slot is held")]
    Full,
    /// No more asks may wait: the pool's `max_waiters`, or the server's descriptors.
    #[error("the line is full")]
    LineFull,
    /// The pool's `servers` do not name this host.
    #[error("this host may not use the pool")]
    HostNotAllowed,
    /// The lease that was to be renewed is over.
    #[error("the lease is lost")]
    LeaseLost,
    /// The server is stopping.
    #[error("the server is stopping; ask again in a moment")]
    Stopping,
    /// The store cannot be reached.
    #[error("the store cannot be reached; ask again in a moment")]
    Away,
}
