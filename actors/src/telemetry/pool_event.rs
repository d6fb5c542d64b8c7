//! Events of pools as published; nothing in them is secret.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use distributex_config::Name;

use super::runs::Run;
use crate::pool::{AdminAction, EndReason, Operator, Ticket, Token};

/// An event.
#[derive(Debug, Clone)]
pub struct PoolEvent {
    /// Sequence number, without gaps.
    pub number: u64,
    /// Wall-clock time.
    pub at: SystemTime,
    /// The pool.
    pub pool: Name,
    /// Kind and details.
    pub what: EventKind,
}

/// Kind of an event, with its details.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// A waiter entered the queue.
    Queued {
        /// The waiter's host.
        host: Name,
        /// Its ticket.
        ticket: Ticket,
        /// Its position; 1 = next.
        position: usize,
    },
    /// A waiter left the queue without a grant.
    Left {
        /// The waiter's host.
        host: Name,
        /// Its ticket.
        ticket: Ticket,
    },
    /// A lease began.
    Granted {
        /// The holder.
        host: Name,
        /// Fencing token.
        token: Token,
        /// Time its requester spent in the queue.
        waited: Duration,
        /// Note of the request.
        command: Option<Arc<str>>,
    },
    /// A lease ended.
    Ended(Arc<Run>),
    /// A renewal came after the lease had ended.
    RenewalRefused {
        /// Former holder and token, if still known.
        known: Option<(Name, Token)>,
    },
    /// An admin action that does not end a lease.
    Admin {
        /// The action.
        action: AdminAction,
        /// Host of the waiter or holder, for actions on one.
        host: Option<Name>,
        /// Author and reason.
        operator: Box<Operator>,
    },
    /// The store cannot be reached.
    StoreDown,
    /// The store can be reached again.
    StoreUp,
    /// The configuration of the pool changed.
    Reconfigured,
}

impl EventKind {
    /// Words of all kinds, in the order of their indexes.
    pub const WORDS: [&str; 17] = [
        "waiting",
        "left",
        "granted",
        "released",
        "expired",
        "lost",
        "unheard",
        "forced",
        "renewed-lost",
        "paused",
        "resumed",
        "moved",
        "removed",
        "away",
        "back",
        "changed",
        "revoked",
    ];

    /// The word of this kind in the event stream.
    #[must_use]
    pub fn word(&self) -> &'static str {
        Self::WORDS[self.index()]
    }

    /// Index of the word in [`EventKind::WORDS`].
    pub(super) fn index(&self) -> usize {
        match self {
            Self::Queued { .. } => 0,
            Self::Left { .. } => 1,
            Self::Granted { .. } => 2,
            Self::Ended(run) => match run.lease.how {
                EndReason::Released => 3,
                EndReason::Expired => 4,
                EndReason::Vanished => 5,
                EndReason::Undelivered => 6,
                EndReason::ForceReleased => 7,
            },
            Self::RenewalRefused { .. } => 8,
            Self::Admin { action, .. } => match action {
                AdminAction::ForceRelease(_) => 7,
                AdminAction::Revoke(..) => 16,
                AdminAction::Pause => 9,
                AdminAction::Resume => 10,
                AdminAction::Promote(_) => 11,
                AdminAction::Evict(_) => 12,
            },
            Self::StoreDown => 13,
            Self::StoreUp => 14,
            Self::Reconfigured => 15,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_endings_are_those_of_their_words() {
        for (number, how) in [
            (3, EndReason::Released),
            (4, EndReason::Expired),
            (5, EndReason::Vanished),
            (6, EndReason::Undelivered),
            (7, EndReason::ForceReleased),
        ] {
            assert_eq!(EventKind::WORDS[number], how.word());
        }
    }
}
