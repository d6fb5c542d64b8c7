//! What happened to a pool, in words that anybody may know: no secrets.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use distributex_config::Name;

use super::runs::Run;
use crate::pool::{AdminAction, EndReason, Operator, Ticket, Token};

/// Something that happened.
#[derive(Debug, Clone)]
pub struct PoolEvent {
    /// Its number: each is larger by one than the one before.
    pub number: u64,
    /// When, by the system's clock.
    pub at: SystemTime,
    /// To which pool.
    pub pool: Name,
    /// What.
    pub what: EventKind,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// Somebody took a place in the line.
    Queued {
        /// Who.
        host: Name,
        /// The number of the place.
        ticket: Ticket,
        /// How many stood before it, plus one.
        position: usize,
    },
    /// A place was given up, or its time was over.
    Left {
        /// Whose it was.
        host: Name,
        /// Its number.
        ticket: Ticket,
    },
    /// Somebody got a slot.
    Granted {
        /// Who.
        host: Name,
        /// The fencing number of the lease.
        token: Token,
        /// How long it stood in line.
        waited: Duration,
        /// What the slot is for, if that was said.
        command: Option<Arc<str>>,
    },
    /// A lease ended.
    Ended(Arc<Run>),
    /// A holder wanted to renew a lease that was lost.
    RenewalRefused {
        /// Who held it, and its token, if that is still known.
        known: Option<(Name, Token)>,
    },
    /// An operator did something that does not end a lease.
    Admin {
        /// What.
        action: AdminAction,
        /// Whose place or lease it was about, if it was about one.
        host: Option<Name>,
        /// Who did it, and why.
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
    /// All words for what happens.
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

    /// The word for it: one of [`EventKind::WORDS`].
    #[must_use]
    pub fn word(&self) -> &'static str {
        Self::WORDS[self.index()]
    }

    /// Where its word stands among [`EventKind::WORDS`].
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
