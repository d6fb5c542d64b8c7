//! Event names and the data of an event. The names are the words of the event stream, the history, the log and the
//! metrics' labels.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::time::{seconds, timestamp};

/// Name of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventName {
    /// A waiter entered the queue.
    Queued,
    /// A waiter left the queue without a slot.
    Left,
    /// A lease began.
    Granted,
    /// A lease was released by its holder.
    Released,
    /// A lease expired.
    Expired,
    /// An operator asked a holder to stop.
    Revoked,
    /// An operator ended a lease.
    ForceReleased,
    /// A lease is no longer in the store.
    Vanished,
    /// No response carried a grant to its requester.
    Undelivered,
    /// A renewal came after the lease had ended.
    RenewalRefused,
    /// An operator paused the pool.
    Paused,
    /// An operator resumed the pool.
    Resumed,
    /// An operator moved a waiter to the front.
    Promoted,
    /// An operator removed a waiter.
    Evicted,
    /// The store became unreachable.
    StoreDown,
    /// The store became reachable again.
    StoreUp,
    /// A reload changed the pool.
    Reconfigured,
    /// Events before this one are no longer kept.
    Missed,
}

impl EventName {
    /// All names, in the order of their discriminants.
    pub const ALL: [Self; 18] = [
        Self::Queued,
        Self::Left,
        Self::Granted,
        Self::Released,
        Self::Expired,
        Self::Revoked,
        Self::ForceReleased,
        Self::Vanished,
        Self::Undelivered,
        Self::RenewalRefused,
        Self::Paused,
        Self::Resumed,
        Self::Promoted,
        Self::Evicted,
        Self::StoreDown,
        Self::StoreUp,
        Self::Reconfigured,
        Self::Missed,
    ];

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Left => "left",
            Self::Granted => "granted",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::ForceReleased => "force_released",
            Self::Vanished => "vanished",
            Self::Undelivered => "undelivered",
            Self::RenewalRefused => "renewal_refused",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Promoted => "promoted",
            Self::Evicted => "evicted",
            Self::StoreDown => "store_down",
            Self::StoreUp => "store_up",
            Self::Reconfigured => "reconfigured",
            Self::Missed => "missed",
        }
    }

    /// The name with this word; `None` for one that only a later server knows.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }
}

/// Data of an event. What does not belong to an event is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventData<S = String> {
    /// The pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<S>,
    /// Wall-clock time of the server.
    #[serde(with = "timestamp")]
    pub time: Option<SystemTime>,
    /// Host of the waiter or holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<S>,
    /// Fencing token of the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<u64>,
    /// Ticket of the queue entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
    /// Position in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Time the holder had waited.
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    pub waited: Option<Duration>,
    /// Time the lease was held.
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    pub held: Option<Duration>,
    /// Note of the request; `Some(None)`, written as `null`, for a lease without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Option<S>>,
    /// Exit status of the holder's command; `Some(None)` for an ended lease without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<Option<u8>>,
    /// Operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<S>,
    /// The operator's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<S>,
    /// Sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<S>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_words_and_indexes() {
        for (index, name) in EventName::ALL.into_iter().enumerate() {
            assert_eq!(EventName::parse(name.word()), Some(name));
            assert_eq!(name as usize, index);
        }
        assert_eq!(EventName::parse("slow_motion"), None);
    }
}
