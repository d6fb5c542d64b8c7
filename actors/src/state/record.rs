//! Leases, places and pools as they are written down: JSON, with times in microseconds.
//!
//! What counts of a time is how long it was, or how long it still is, at the moment of writing: clocks are another
//! matter ([`super::boot`]). Secrets stand in it in clear, so the directory is its owner's alone.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

use super::boot::{Boot, Moment, Now};
use crate::{
    pool::{LeaseId, Ticket, Token, kept::Numbers, lease::Lease, line::Waiter},
    record::{Who, micros},
};

/// What is to be written down under one key, as it was at one moment.
#[derive(Debug)]
pub(super) enum Record {
    /// A slot that is held.
    Lease(Box<Lease>, Now),
    /// A place in line.
    Place(Box<Waiter>, Now),
    /// The numbers that a pool gave out.
    Numbers(Numbers),
}

impl Record {
    /// What is written.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let json = match self {
            Self::Lease(lease, now) => serde_json::to_vec(&LeaseRecord::of(lease, now)),
            Self::Place(waiter, now) => serde_json::to_vec(&PlaceRecord::of(waiter, now)),
            Self::Numbers(numbers) => serde_json::to_vec(&NumbersRecord::of(*numbers)),
        };
        json.expect("a record has only texts and numbers")
    }
}

/// A slot that is held.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeaseRecord<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(borrow)]
    asker: Who<'a>,
    now: Moment,
    #[serde(default, skip_serializing_if = "is_zero")]
    held: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    waited: u64,
    ttl: Option<u64>,
    /// How long it lives on; nothing: for ever.
    left: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    patience: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    command: Option<Cow<'a, str>>,
    /// Whether an answer told of it, sent or on its way.
    told: bool,
}

/// The place of an asker that comes back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PlaceRecord<'a> {
    #[serde(borrow)]
    asker: Who<'a>,
    now: Moment,
    waited: u64,
    patience: u64,
    ttl: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    command: Option<Cow<'a, str>>,
    lease: Option<String>,
}

/// The numbers that a pool may have given out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NumbersRecord {
    token: u64,
    ticket: u64,
}

impl<'a> LeaseRecord<'a> {
    /// A lease, as it is now.
    fn of(lease: &'a Lease, now: &Now) -> Self {
        let left = |until| micros(now.instant.max(until) - now.instant);
        Self {
            id: lease.id.map(LeaseId::reveal),
            asker: Who::from(&lease.asker),
            now: now.moment,
            held: micros(now.instant - lease.since),
            waited: micros(lease.waited),
            ttl: lease.ttl.map(micros),
            left: lease.until.map(left),
            patience: micros(lease.patience),
            command: lease.command.as_deref().map(Cow::Borrowed),
            told: lease.told > 0,
        }
    }

    /// The boot in which it was written.
    pub(super) fn boot(&self) -> Boot {
        self.now.boot
    }

    /// The lease, as it is now; `None` if this is none. It ends no earlier than it would have, whatever became of
    /// the clocks.
    pub(super) fn read(self, token: Token, now: &Now) -> Option<Lease> {
        let held = Duration::from_micros(self.held) + now.about_since(&self.now);
        let left = |left| Duration::from_micros(left).saturating_sub(now.surely_since(&self.now));
        Some(Lease {
            token,
            id: id(self.id)?,
            asker: self.asker.read()?,
            since: now.instant.checked_sub(held).unwrap_or(now.instant),
            waited: Duration::from_micros(self.waited),
            ttl: self.ttl.map(Duration::from_micros),
            until: self.left.map(left).map(|left| now.instant + left),
            patience: Duration::from_micros(self.patience),
            command: self.command.as_deref().map(Into::into),
            told: u64::from(self.told),
        })
    }
}

impl<'a> PlaceRecord<'a> {
    /// A place, as it is now.
    fn of(waiter: &'a Waiter, now: &Now) -> Self {
        Self {
            asker: Who::from(&waiter.asker),
            now: now.moment,
            waited: micros(now.instant - waiter.since),
            patience: micros(waiter.patience),
            ttl: waiter.ttl.map(micros),
            command: waiter.command.as_deref().map(Cow::Borrowed),
            lease: waiter.lease.map(LeaseId::reveal),
        }
    }

    /// The boot in which it was written.
    pub(super) fn boot(&self) -> Boot {
        self.now.boot
    }

    /// The place, which waits for its asker; `None` if this is none.
    pub(super) fn read(self, now: &Now) -> Option<Waiter> {
        let waited = Duration::from_micros(self.waited) + now.about_since(&self.now);
        Some(Waiter {
            asker: self.asker.read()?,
            since: now.instant.checked_sub(waited).unwrap_or(now.instant),
            present: None,
            until: None,
            patience: Duration::from_micros(self.patience),
            ttl: self.ttl.map(Duration::from_micros),
            command: self.command.as_deref().map(Into::into),
            lease: id(self.lease)?,
        })
    }
}

impl NumbersRecord {
    fn of(numbers: Numbers) -> Self {
        Self { token: numbers.token.0, ticket: numbers.ticket.0 }
    }

    pub(super) fn read(self) -> Numbers {
        Numbers { token: Token(self.token), ticket: Ticket(self.ticket) }
    }
}

/// No secret name is fine; one that is none is not.
fn id(text: Option<String>) -> Option<Option<LeaseId>> {
    match text {
        Some(text) => LeaseId::parse(&text).map(Some),
        None => Some(None),
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
