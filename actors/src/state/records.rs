//! Records of leases, queue entries and pools: JSON, with times in microseconds.
//!
//! Times are stored as durations, elapsed or left, at the moment of writing; clocks are handled in
//! [`super::boot`]. Secrets are stored in clear text, so only the owner may read the directory.

#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::boot::{BootNumber, ClockReading, StoredMoment};
use crate::{
    json::{JSON_NUMBER_LIMIT, OperatorJson, RequesterJson, micros},
    pool::{
        LeaseId, Operator, Revocation, Ticket, Token,
        lease::Lease,
        persistence::HighestNumbers,
        queue::{SortKey, Waiter},
    },
};

/// A record, as of one moment.
#[derive(Debug)]
pub(super) enum StateRecord {
    /// A lease.
    Lease(Box<Lease>, ClockReading),
    /// A queue entry.
    QueueEntry(Box<Waiter>, ClockReading),
    /// The numbers a pool has used.
    Numbers(HighestNumbers),
    /// A pause.
    Paused(Operator),
}

/// Whether a number can be a token or ticket.
pub(super) fn is_number(number: u64) -> bool {
    number < JSON_NUMBER_LIMIT
}

impl StateRecord {
    /// Contents of a record.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let json = match self {
            Self::Lease(lease, now) => serde_json::to_vec(&LeaseRecord::of(lease, now)),
            Self::QueueEntry(waiter, now) => serde_json::to_vec(&QueueEntryRecord::of(waiter, now)),
            Self::Numbers(numbers) => serde_json::to_vec(&HighestNumbersRecord::of(*numbers)),
            Self::Paused(operator) => serde_json::to_vec(&OperatorJson::from(operator)),
        };
        json.expect("a record has only texts and numbers")
    }
}

/// Record of a lease.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeaseRecord<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(borrow)]
    requester: RequesterJson<'a>,
    now: StoredMoment,
    #[serde(default, skip_serializing_if = "is_zero")]
    held: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    waited: u64,
    ttl: Option<u64>,
    /// Time left; `None`: no expiry.
    left: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    patience: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    command: Option<Cow<'a, str>>,
    /// Whether a response with it was sent, or is on its way.
    delivered: bool,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    revoked: Option<RevokedRecord<'a>>,
}

/// Record of a revoke, with the time left for renewals.
#[derive(Debug, Serialize, Deserialize)]
struct RevokedRecord<'a> {
    #[serde(borrow)]
    operator: OperatorJson<'a>,
    left: u64,
}

/// Record of a queue entry whose requester may return.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct QueueEntryRecord<'a> {
    #[serde(borrow)]
    requester: RequesterJson<'a>,
    now: StoredMoment,
    waited: u64,
    patience: u64,
    ttl: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    command: Option<Cow<'a, str>>,
    lease: Option<String>,
    /// Position it was moved to by an admin action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<SortKey>,
}

/// Record of the numbers a pool may have used.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HighestNumbersRecord {
    token: u64,
    ticket: u64,
}

impl<'a> LeaseRecord<'a> {
    /// The record of a lease, now.
    fn of(lease: &'a Lease, now: &ClockReading) -> Self {
        let left = |until| micros(now.instant.max(until) - now.instant);
        Self {
            id: lease.id.map(LeaseId::reveal),
            requester: RequesterJson::from(&lease.requester),
            now: now.moment,
            held: micros(now.instant - lease.since),
            waited: micros(lease.waited),
            ttl: lease.ttl.map(micros),
            left: lease.until.map(left),
            patience: micros(lease.patience),
            command: lease.command.as_deref().map(Cow::Borrowed),
            delivered: lease.deliveries > 0,
            revoked: lease.revoked.as_deref().map(|revoked| RevokedRecord {
                operator: OperatorJson::from(&revoked.operator),
                left: left(revoked.end),
            }),
        }
    }

    /// The boot of the record.
    pub(super) fn boot(&self) -> BootNumber {
        self.now.boot
    }

    /// The lease, now; `None` if the record is invalid. It ends no earlier than it would have, whatever happened to
    /// the clocks.
    pub(super) fn read(self, token: Token, now: &ClockReading) -> Option<Lease> {
        let held = Duration::from_micros(self.held) + now.estimated_since(&self.now);
        let left = |left| Duration::from_micros(left).saturating_sub(now.certain_since(&self.now));
        Some(Lease {
            token,
            id: id(self.id)?,
            requester: self.requester.read()?,
            since: now.instant.checked_sub(held).unwrap_or(now.instant),
            waited: Duration::from_micros(self.waited),
            ttl: self.ttl.map(Duration::from_micros),
            until: self.left.map(left).map(|left| now.instant + left),
            patience: Duration::from_micros(self.patience),
            command: self.command.as_deref().map(Into::into),
            deliveries: u64::from(self.delivered),
            revoked: self.revoked.map(|revoked| {
                let end = now.instant + left(revoked.left);
                Arc::new(Revocation { operator: revoked.operator.read(), end })
            }),
        })
    }
}

impl<'a> QueueEntryRecord<'a> {
    /// The record of a queue entry, now.
    fn of(waiter: &'a Waiter, now: &ClockReading) -> Self {
        Self {
            requester: RequesterJson::from(&waiter.requester),
            now: now.moment,
            waited: micros(now.instant - waiter.since),
            patience: micros(waiter.patience),
            ttl: waiter.ttl.map(micros),
            command: waiter.command.as_deref().map(Cow::Borrowed),
            lease: waiter.lease.map(LeaseId::reveal),
            moved: waiter.moved,
        }
    }

    /// The boot of the record.
    pub(super) fn boot(&self) -> BootNumber {
        self.now.boot
    }

    /// The queue entry, waiting for its requester; `None` if the record is invalid.
    pub(super) fn read(self, now: &ClockReading) -> Option<Waiter> {
        let waited = Duration::from_micros(self.waited) + now.estimated_since(&self.now);
        // Promoted entries have positions before the first ticket, which is 1.
        if self.moved.is_some_and(|spot| spot > 0 || !is_number(spot.unsigned_abs())) {
            return None;
        }
        Some(Waiter {
            requester: self.requester.read()?,
            since: now.instant.checked_sub(waited).unwrap_or(now.instant),
            present: None,
            until: None,
            patience: Duration::from_micros(self.patience),
            ttl: self.ttl.map(Duration::from_micros),
            command: self.command.as_deref().map(Into::into),
            lease: id(self.lease)?,
            moved: self.moved,
        })
    }
}

impl HighestNumbersRecord {
    fn of(numbers: HighestNumbers) -> Self {
        Self { token: numbers.token.0, ticket: numbers.ticket.0 }
    }

    /// The numbers; `None` if they are impossible.
    pub(super) fn read(self) -> Option<HighestNumbers> {
        let are_numbers = is_number(self.token) && is_number(self.ticket);
        are_numbers.then_some(HighestNumbers { token: Token(self.token), ticket: Ticket(self.ticket) })
    }
}

/// A missing id is fine, an invalid one is not.
fn id(text: Option<String>) -> Option<Option<LeaseId>> {
    match text {
        Some(text) => LeaseId::parse(&text).map(Some),
        None => Some(None),
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
