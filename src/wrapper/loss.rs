//! Loss or revocation of a slot before the command ended.

use super::{WrapperOutcome, interrupt::Interrupt};
use distributex_client::{EndedLease, LeaseStatus, RevocationNotice};

/// End of a run, and whether it had its slot until then.
#[derive(Debug)]
pub(super) struct CommandOutcome {
    /// How it ended.
    pub(super) ending: WrapperOutcome,
    /// The loss or revocation of the slot.
    pub(super) loss: Option<SlotLoss>,
    /// The signal the wrapper must die of, like its command.
    pub(super) interrupt: Option<Interrupt>,
}

/// Reason why a slot could not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SlotLoss {
    /// The lease has ended.
    Over {
        /// The details, for people.
        why: String,
        /// The end of the lease, if a server reported it.
        ended: Option<EndedLease>,
    },
    /// An operator revoked the lease. It is held until it is released.
    Revoked(RevocationNotice),
}

impl CommandOutcome {
    /// A run that had its slot until the end, as far as is known.
    pub(super) fn of(ending: WrapperOutcome) -> Self {
        Self { ending, loss: None, interrupt: None }
    }
}

impl SlotLoss {
    /// The command was stopped because its lease could not be renewed.
    pub(super) fn not_renewed() -> Self {
        Self::Over { why: "it could not be renewed in time".to_owned(), ended: None }
    }

    /// The loss shown by this status. `None`: the lease is held, and not revoked.
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

    /// The sentence about a slot of this pool.
    pub(super) fn sentence(&self, pool: &str) -> String {
        match self {
            Self::Over { why, .. } => format!("lost the slot of {pool:?}: {why}"),
            Self::Revoked(revoke) => format!("the slot of {pool:?} was {revoke}"),
        }
    }

    /// The end of the lease, for the status file.
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
