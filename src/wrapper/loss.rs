//! What became of a slot that could not be kept until the command ended.

use super::{WrapperOutcome, interrupt::Interrupt};
use distributex_client::{EndedLease, LeaseStatus, RevocationNotice};

/// How a run ended, and whether it had its slot until then.
#[derive(Debug)]
pub(super) struct CommandOutcome {
    /// How it ended.
    pub(super) ending: WrapperOutcome,
    /// What became of the slot, if it was lost or revoked.
    pub(super) loss: Option<SlotLoss>,
    /// What the wrapper has to die of, as its command did.
    pub(super) interrupt: Option<Interrupt>,
}

/// Why a slot could not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SlotLoss {
    /// The lease is over.
    Over {
        /// What is known of it, for people.
        why: String,
        /// How it ended, if a server told.
        ended: Option<EndedLease>,
    },
    /// An operator wants the slot back. The lease is held until it is released.
    Revoked(RevocationNotice),
}

impl CommandOutcome {
    /// A run that had its slot until the end, as far as is known.
    pub(super) fn of(ending: WrapperOutcome) -> Self {
        Self { ending, loss: None, interrupt: None }
    }
}

impl SlotLoss {
    /// The command was stopped for want of a renewal.
    pub(super) fn not_renewed() -> Self {
        Self::Over { why: "it could not be renewed in time".to_owned(), ended: None }
    }

    /// What there is to lose now. `None`: the lease is held, and nobody wants it back.
    pub(super) fn of(standing: LeaseStatus) -> Option<Self> {
        match standing {
            LeaseStatus::Held { revoked, .. } => revoked.map(Self::Revoked),
            LeaseStatus::Lost { why, ended } => Some(Self::Over { why, ended }),
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
    pub(super) fn into_ended(self) -> Option<EndedLease> {
        match self {
            Self::Over { ended, .. } => ended,
            Self::Revoked(RevocationNotice { author, reason }) => {
                let (author, reason) = (Some(author), Some(reason));
                Some(EndedLease { how: "revoked".to_owned(), author, reason, at: None })
            }
        }
    }
}
