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
        /// Whose place it was about, if it was about one.
        host: Option<Name>,
        /// Who did it, and why.
        operator: Operator,
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
    pub const WORDS: [&str; 16] = [
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
    ];

    /// The word for it: one of [`What::WORDS`].
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Left { .. } => "left",
            Self::Granted { .. } => "granted",
            Self::Ended(run) => run.lease.how.word(),
            Self::RenewedLost { .. } => "renewed-lost",
            Self::Pulled { lever, .. } => match lever {
                Lever::Release(_) => Ending::Forced.word(),
                Lever::Pause => "paused",
                Lever::Resume => "resumed",
                Lever::Front(_) => "moved",
                Lever::Remove(_) => "removed",
            },
            Self::Away => "away",
            Self::Back => "back",
            Self::Changed => "changed",
        }
    }
}
