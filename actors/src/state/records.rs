//! Records of leases, queue entries and pools: JSON, with times in microseconds.
//!
//! Times are stored as durations, elapsed or left, at the moment of writing; clocks are handled in
//! [`super::boot`]. Secrets are stored in clear text, so only the owner may read the directory.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::boot::{BootNumber, ClockReading, StoredMoment};
use crate::{
    json::{RequesterJson, micros},
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
    Place(Box<Waiter>, ClockReading),
    /// The numbers a pool has used.
    Numbers(HighestNumbers),
    /// A pause.
    Paused(Operator),
}

/// Tokens, tickets and positions are below this, where JSON numbers are exact.
const JSON_NUMBER_LIMIT: u64 = 1 << 53;

/// Whether a number can be a token or ticket.
pub(super) fn is_number(number: u64) -> bool {
    number < JSON_NUMBER_LIMIT
}

impl StateRecord {
    /// Contents of a record.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let json = match self {
            Self::Lease(lease, now) => serde_json::to_vec(&LeaseRecord::of(lease, now)),
            Self::Place(waiter, now) => serde_json::to_vec(&QueueEntryRecord::of(waiter, now)),
            Self::Numbers(numbers) => serde_json::to_vec(&HighestNumbersRecord::of(*numbers)),
            Self::Paused(operator) => serde_json::to_vec(&PauseRecord::of(operator)),
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
    operator: PauseRecord<'a>,
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

/// Record of a pause: author, reason and time in microseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PauseRecord<'a> {
    #[serde(borrow)]
    author: Cow<'a, str>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    at: u64,
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
                operator: PauseRecord::of(&revoked.operator),
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

impl<'a> PauseRecord<'a> {
    fn of(operator: &'a Operator) -> Self {
        let at = operator.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (author, reason) = (Cow::Borrowed(&*operator.author), Cow::Borrowed(&*operator.reason));
        Self { author, reason, at: micros(at) }
    }

    pub(super) fn read(self) -> Operator {
        Operator {
            author: self.author.into(),
            reason: self.reason.into(),
            at: SystemTime::UNIX_EPOCH + Duration::from_micros(self.at),
        }
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

#[cfg(test)]
mod tests {
    use distributex_config::Name;
    use tokio::time::Instant;

    use super::*;
    use crate::pool::Requester;

    const SECOND: Duration = Duration::from_secs(1);

    /// A moment on three independent clocks.
    fn now(boot: u64, at: Duration, wall: Duration) -> ClockReading {
        ClockReading {
            instant: Instant::now(),
            moment: StoredMoment { boot: BootNumber(boot), at: micros(at), wall: micros(wall) },
        }
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn operator() -> Operator {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_451_623_914_999);
        Operator { author: "ann".into(), reason: "say \"hi\"".into(), at }
    }

    /// Held for 20 s, with 40 of 60 left.
    fn lease(now: &ClockReading) -> Lease {
        Lease {
            token: Token(7),
            id: Some(LeaseId::random()),
            requester: Requester::Owner { host: name("web1"), owner: name("ünique \"one\"") },
            since: now.instant - 20 * SECOND,
            waited: 3 * SECOND,
            ttl: Some(60 * SECOND),
            until: Some(now.instant + 40 * SECOND),
            patience: 10 * SECOND,
            command: Some("say \"hi\"".into()),
            deliveries: 2,
            revoked: Some(Arc::new(Revocation { operator: operator(), end: now.instant + 50 * SECOND })),
        }
    }

    fn written(lease: &Lease, now: &ClockReading) -> Vec<u8> {
        StateRecord::Lease(Box::new(lease.clone()), *now).to_json()
    }

    /// The lease, read at that time.
    fn read(json: &[u8], then: &ClockReading) -> Lease {
        serde_json::from_slice::<LeaseRecord<'_>>(json).unwrap().read(Token(7), then).unwrap()
    }

    #[test]
    fn after_a_reboot_a_lease_has_its_whole_remaining_time() {
        let before = now(1, 100 * SECOND, 5_000 * SECOND);
        let json = written(&lease(&before), &before);

        for (boot, at, wall, left) in [
            (1, 130, 5_030, 10),
            (1, 130, 9_000_000, 10), // the clock was set
            (1, 130, 0, 10),
            (1, 170, 5_070, 0),
            (2, 130, 5_030, 40),
            (2, 3, 9_000_000, 40), // even if it was off for months
            (2, 3, 0, 40),
        ] {
            let then = now(boot, at * SECOND, wall * SECOND);
            let until = read(&json, &then).until.unwrap();
            assert_eq!(until - then.instant, left * SECOND, "boot {boot}, {at}, {wall}");
        }
    }

    #[test]
    fn a_lease_is_read_as_it_was_written() {
        let before = now(1, 100 * SECOND, 5_000 * SECOND);
        let then = now(1, 130 * SECOND, 5_030 * SECOND);
        let original = lease(&before);

        let read = read(&written(&original, &before), &then);

        assert_eq!((read.id, &read.requester, read.token), (original.id, &original.requester, Token(7)));
        assert_eq!((then.instant - read.since, read.waited), (50 * SECOND, 3 * SECOND));
        assert_eq!((read.ttl, read.patience, read.deliveries), (original.ttl, original.patience, 1));
        assert_eq!(read.command, original.command);
        let end = read.revoked.as_ref().map(|revoked| revoked.end - then.instant);
        assert_eq!(end, Some(20 * SECOND));
        assert_eq!(read.revoked.unwrap().operator, operator());
    }

    #[test]
    fn missing_values_of_a_lease_stay_missing() {
        let before = now(1, SECOND, SECOND);
        let requester = Requester::Host(name("web1"));
        let bare = Lease {
            id: None,
            requester,
            ttl: None,
            until: None,
            command: None,
            deliveries: 0,
            revoked: None,
            ..lease(&before)
        };

        let read = read(&written(&bare, &before), &now(2, SECOND, SECOND));

        assert_eq!(
            (read.id, read.ttl, read.until, read.command, read.deliveries),
            (None, None, None, None, 0)
        );
    }

    #[test]
    fn a_queue_entry_is_read_as_it_was_written() {
        let (before, then) = (now(1, SECOND, SECOND), now(1, 3 * SECOND, 3 * SECOND));
        let waiter = Waiter {
            requester: Requester::Owner { host: name("web1"), owner: name("run1") },
            since: before.instant - 5 * SECOND,
            present: None,
            until: Some(before.instant + SECOND),
            patience: 30 * SECOND,
            ttl: Some(60 * SECOND),
            command: None,
            lease: Some(LeaseId::random()),
            moved: Some(-3),
        };
        let json = StateRecord::Place(Box::new(waiter.clone()), before).to_json();

        let read = serde_json::from_slice::<QueueEntryRecord<'_>>(&json).unwrap().read(&then).unwrap();

        assert_eq!((read.requester, read.lease, read.ttl), (waiter.requester, waiter.lease, waiter.ttl));
        assert_eq!((then.instant - read.since, read.patience), (7 * SECOND, 30 * SECOND));
        assert_eq!(read.moved, Some(-3));
    }

    #[test]
    fn a_pause_is_read_as_it_was_written() {
        let operator = operator();

        let json = StateRecord::Paused(operator.clone()).to_json();

        assert_eq!(serde_json::from_slice::<PauseRecord<'_>>(&json).unwrap().read(), operator);
    }

    #[test]
    fn an_invalid_lease_is_rejected() {
        let before = now(1, SECOND, SECOND);
        let good = String::from_utf8(written(&lease(&before), &before)).unwrap();

        for (from, to) in [("\"id\":\"", "\"id\":\"x"), ("\"host\":\"web1\"", "\"host\":\"\"")] {
            assert!(good.contains(from));
            let bad = good.replace(from, to);
            let read = serde_json::from_str::<LeaseRecord<'_>>(&bad).unwrap().read(Token(7), &before);
            assert!(read.is_none(), "{bad}");
        }
        assert!(serde_json::from_str::<LeaseRecord<'_>>("{}").is_err());
    }
    #[test]
    fn invalid_numbers_are_rejected() {
        let numbers = |text| serde_json::from_str::<HighestNumbersRecord>(text).unwrap().read();
        let moved = |spot: i64| {
            let json = format!(
                r#"{{"requester":{{"kind":"host","host":"a"}},"now":{{"boot":1,"at":1,"wall":1}},"waited":0,"patience":1,"ttl":1,"lease":null,"moved":{spot}}}"#
            );
            serde_json::from_str::<QueueEntryRecord<'_>>(&json)
                .unwrap()
                .read(&now(1, SECOND, SECOND))
                .is_some()
        };

        assert!(numbers(r#"{"token":9007199254740991,"ticket":0}"#).is_some());
        assert_eq!(numbers(r#"{"token":9007199254740992,"ticket":0}"#), None);
        assert_eq!(numbers(r#"{"token":0,"ticket":18446744073709551615}"#), None);
        assert_eq!([0, -7, 1, i64::MIN].map(moved), [true, true, false, false]);
    }
}
