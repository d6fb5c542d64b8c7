//! What happened to a pool, in words that anybody may know: no secrets.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use distributex_config::Name;

use super::runs::Run;
use crate::pool::{Ending, Lever, Operator, Ticket, Token};

/// Something that happened.
#[derive(Debug, Clone)]
pub struct News {
    /// Its number: each is larger by one than the one before.
    pub number: u64,
    /// When, by the system's clock.
    pub at: SystemTime,
    /// To which pool.
    pub pool: Name,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// Somebody took a place in the line.
    Waiting {
        /// Who.
        host: Name,
        /// The number of the place.
        ticket: Ticket,
        /// How many stood before it, plus one.
        place: usize,
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
    RenewedLost {
        /// Who held it, and its token, if that is still known.
        known: Option<(Name, Token)>,
    },
    /// An operator did something that does not end a lease.
    Pulled {
        /// What.
        lever: Lever,
        /// Whose place or lease it was about, if it was about one.
        host: Option<Name>,
        /// Who did it, and why.
        operator: Box<Operator>,
    },
    /// The store cannot be reached.
    Away,
    /// The store can be reached again.
    Back,
    /// The configuration of the pool changed.
    Changed,
}

impl What {
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

    /// The word for it: one of [`What::WORDS`].
    #[must_use]
    pub fn word(&self) -> &'static str {
        Self::WORDS[self.number()]
    }

    /// Where its word stands among [`What::WORDS`].
    pub(super) fn number(&self) -> usize {
        match self {
            Self::Waiting { .. } => 0,
            Self::Left { .. } => 1,
            Self::Granted { .. } => 2,
            Self::Ended(run) => match run.lease.how {
                Ending::Released => 3,
                Ending::Expired => 4,
                Ending::Gone => 5,
                Ending::Unheard => 6,
                Ending::Forced => 7,
            },
            Self::RenewedLost { .. } => 8,
            Self::Pulled { lever, .. } => match lever {
                Lever::Release(_) => 7,
                Lever::Revoke(..) => 16,
                Lever::Pause => 9,
                Lever::Resume => 10,
                Lever::Front(_) => 11,
                Lever::Remove(_) => 12,
            },
            Self::Away => 13,
            Self::Back => 14,
            Self::Changed => 15,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_endings_are_those_of_their_words() {
        for (number, how) in [
            (3, Ending::Released),
            (4, Ending::Expired),
            (5, Ending::Gone),
            (6, Ending::Unheard),
            (7, Ending::Forced),
        ] {
            assert_eq!(What::WORDS[number], how.word());
        }
    }
}
