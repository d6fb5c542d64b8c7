//! Records that are written and read.

use std::time::SystemTime;

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

    assert_eq!((read.id, read.ttl, read.until, read.command, read.deliveries), (None, None, None, None, 0));
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
    let json = StateRecord::QueueEntry(Box::new(waiter.clone()), before).to_json();

    let read = serde_json::from_slice::<QueueEntryRecord<'_>>(&json).unwrap().read(&then).unwrap();

    assert_eq!((read.requester, read.lease, read.ttl), (waiter.requester, waiter.lease, waiter.ttl));
    assert_eq!((then.instant - read.since, read.patience), (7 * SECOND, 30 * SECOND));
    assert_eq!(read.moved, Some(-3));
}

#[test]
fn a_pause_is_read_as_it_was_written() {
    let operator = operator();

    let json = StateRecord::Paused(operator.clone()).to_json();

    assert_eq!(serde_json::from_slice::<OperatorJson<'_>>(&json).unwrap().read(), operator);
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
        serde_json::from_str::<QueueEntryRecord<'_>>(&json).unwrap().read(&now(1, SECOND, SECOND)).is_some()
    };

    assert!(numbers(r#"{"token":9007199254740991,"ticket":0}"#).is_some());
    assert_eq!(numbers(r#"{"token":9007199254740992,"ticket":0}"#), None);
    assert_eq!(numbers(r#"{"token":0,"ticket":18446744073709551615}"#), None);
    assert_eq!([0, -7, 1, i64::MIN].map(moved), [true, true, false, false]);
}
