//! What became of a slot that could not be kept until the command ended.

use super::{Ending, interrupt::Interrupt};
use crate::client::{Ended, Revoke, Standing};

/// How a run ended, and whether it had its slot until then.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How it ended.
    pub(super) ending: Ending,
    /// What became of the slot, if it was lost or revoked.
    pub(super) loss: Option<Loss>,
    /// What the wrapper has to die of, as its command did.
    pub(super) interrupt: Option<Interrupt>,
}

/// Why a slot could not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss {
    /// The lease is over.
    Over {
        /// What is known of it, for people.
        why: String,
        /// How it ended, if a server told.
        ended: Option<Ended>,
    },
    /// An operator wants the slot back. The lease is held until it is released.
    Revoked(Revoke),
}

impl Outcome {
    /// A run that had its slot until the end, as far as is known.
    pub(super) fn of(ending: Ending) -> Self {
        Self { ending, loss: None, interrupt: None }
    }
}

impl Loss {
    /// The command was stopped for want of a renewal.
    pub(super) fn not_renewed() -> Self {
        Self::Over { why: "it could not be renewed in time".to_owned(), ended: None }
    }

    /// What there is to lose now. `None`: the lease is held, and nobody wants it back.
    pub(super) fn of(standing: Standing) -> Option<Self> {
        match standing {
            Standing::Held { revoked, .. } => revoked.map(Self::Revoked),
            Standing::Lost { why, ended } => Some(Self::Over { why, ended }),
        }
    }

    /// Whether this is worse than what was known before.
    pub(super) fn is_news_after(&self, known: Option<&Self>) -> bool {
        match (known, self) {
            (None, _) | (Some(Self::Revoked(_)), Self::Over { .. }) => true,
            (Some(_), _) => false,
        }
    }

    /// What people are told of a slot of this pool.
    pub(super) fn sentence(&self, pool: &str) -> String {
        match self {
            Self::Over { why, .. } => format!("lost the slot of {pool:?}: {why}"),
            Self::Revoked(revoke) => format!("the slot of {pool:?} was {revoke}"),
        }
    }

    /// How the slot was lost, for programs.
    pub(super) fn into_ended(self) -> Option<Ended> {
        match self {
            Self::Over { ended, .. } => ended,
            Self::Revoked(Revoke { author, reason }) => {
                let (author, reason) = (Some(author), Some(reason));
                Some(Ended { how: "revoked".to_owned(), author, reason, at: None })
            }
        }
    }
}
