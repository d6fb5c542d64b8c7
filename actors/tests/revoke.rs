//! Rules for revoked leases.

use std::time::Duration;

use distributex_actors::{
    AcquireRequest, AdminAction, AdminOutcome, EndReason, EndedLease, Event, LeaseDetails, LeaseId,
    PageCursor, RequestId, Revocation, Token,
};
use distributex_config::Pool;
use tokio::time::Instant;

use crate::support::{
    MINUTE, SECOND, Stage, granted, granted_requests, host_request, lease_id, name, operator, settings,
    try_of_owner, wait_of_owner,
};

/// A pool whose only slot is held by an owner for a minute from now, and the lease.
fn held() -> (Stage, LeaseId) {
    let mut pool = Stage::new(settings());
    let (_, events) = pool.acquire(try_of_owner("web", "run1"));
    let lease = lease_id(&events);
    (pool, lease)
}

fn revoke(pool: &mut Stage, within: impl Into<Option<Duration>>) -> AdminOutcome {
    pool.administer(AdminAction::Revoke(Token(101), within.into())).0.expect("a lease has that token")
}

/// When the slot is free at the latest, and whether the holder is notified.
fn outcome(revoked: &AdminOutcome) -> (Option<Instant>, bool) {
    let AdminOutcome::Revoked { host, until, notified } = revoked else { panic!("{revoked:?}") };
    assert_eq!(*host, name("web"));
    (*until, *notified)
}

fn renew(pool: &mut Stage, lease: LeaseId, ttl: impl Into<Option<Duration>>) -> LeaseDetails {
    let ttl = ttl.into();
    let events = pool.act(|rules, now, out| rules.renew(RequestId::next(), lease, ttl, now, out));
    let [Event::Renewed { lease, .. }] = &events[..] else { panic!("{events:?}") };
    lease.clone()
}

fn is_revoked(lease: &LeaseDetails) -> bool {
    lease.revoked.as_ref().is_some_and(|revoked| revoked.operator == operator())
}

#[test]
fn renewals_extend_a_revoked_lease_to_its_limit_only() {
    let (mut pool, lease) = held();
    let start = pool.now;
    pool.pass(SECOND * 10);

    let revoked = revoke(&mut pool, SECOND * 90);
    pool.pass(SECOND * 35);
    let whole = renew(&mut pool, lease, SECOND * 50);
    let (next, _) = pool.acquire(wait_of_owner("db", "run1"));
    pool.pass(SECOND * 45);
    let cancel = renew(&mut pool, lease, None);
    pool.pass(SECOND * 5);
    let last = renew(&mut pool, lease, MINUTE);
    let over = pool.pass(SECOND * 5);

    let end = Some(start + SECOND * 100);
    assert_eq!(outcome(&revoked), (end, true));
    assert_eq!((whole.until, whole.ttl), (Some(start + SECOND * 95), Some(SECOND * 50)));
    assert_eq!((cancel.until, cancel.ttl), (end, Some(SECOND * 10)));
    assert_eq!((last.until, last.ttl), (end, Some(SECOND * 5)));
    assert!([whole, cancel, last].iter().all(is_revoked));
    let [Event::Ended(EndedLease { how: EndReason::Expired, revoked: Some(_), .. }), ..] = &over[..] else {
        panic!("{over:?}")
    };
    assert_eq!(granted_requests(&over), [next]);
}

#[test]
fn a_revoked_lease_never_ends_before_its_last_renewal_says() {
    let (mut pool, lease) = held();
    let start = pool.now;
    pool.pass(SECOND * 10);

    let revoked = revoke(&mut pool, Duration::ZERO);
    let renewed = renew(&mut pool, lease, None);
    let (_, again) = pool.acquire(AcquireRequest { ttl: Some(MINUTE), ..try_of_owner("web", "run1") });

    let end = Some(start + MINUTE);
    assert_eq!(outcome(&revoked), (end, true));
    assert_eq!(renewed.until, end);
    let again = &granted(&again).next().unwrap().lease;
    assert_eq!(again.until, end);
    assert!(is_revoked(again));
}

#[test]
fn a_released_slot_of_a_revoked_lease_goes_to_the_next() {
    let (mut pool, _) = held();
    let (next, _) = pool.acquire(wait_of_owner("db", "run1"));
    let (_, revoked) = pool.administer(AdminAction::Revoke(Token(101), None));

    let (_, freed) =
        pool.end(&distributex_actors::ReleaseTarget::Requester(try_of_owner("web", "run1").requester));

    assert_eq!(revoked, [], "nothing is granted before the holder has stopped");
    assert_eq!(granted_requests(&freed), [next]);
    assert!(matches!(&freed[0], Event::Ended(EndedLease { how: EndReason::Released, revoked: Some(_), .. })));
}

#[test]
fn a_holder_that_never_renews_is_not_notified() {
    for (settings, request, ends) in [
        (settings(), host_request(name("web"), false), true),
        (Pool { expire: None, ..settings() }, host_request(name("web"), false), false),
        (Pool { expire: None, ..settings() }, try_of_owner("web", "run1"), false),
    ] {
        let mut pool = Stage::new(settings);
        let end = ends.then(|| pool.now + MINUTE);
        pool.acquire(request);

        let revoked = revoke(&mut pool, SECOND);
        pool.pass(SECOND * 59);

        assert_eq!(outcome(&revoked), (end, false));
        assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).held, 1);
    }
}

#[test]
fn a_revoked_lease_without_an_end_gets_one_when_renewed() {
    let mut pool = Stage::new(Pool { expire: None, ..settings() });
    let (_, events) = pool.acquire(try_of_owner("web", "run1"));
    let lease = lease_id(&events);
    revoke(&mut pool, SECOND);
    pool.pass(SECOND * 2);

    let endless = renew(&mut pool, lease, None);
    let finite = renew(&mut pool, lease, SECOND * 10);
    pool.pass(SECOND * 5);
    let cancel = renew(&mut pool, lease, SECOND * 10);

    assert!(is_revoked(&endless) && endless.until.is_none());
    assert_eq!(finite.until, Some(pool.now + SECOND * 5));
    assert_eq!(cancel.until, finite.until);
}

#[test]
fn a_second_revoke_can_only_shorten_the_first() {
    let (mut pool, _) = held();
    let start = pool.now;

    let ends = [120, 90, 100].map(|within| outcome(&revoke(&mut pool, SECOND * within)).0.unwrap() - start);

    assert_eq!(ends, [120, 90, 90].map(|end| SECOND * end));
    assert_eq!(outcome(&revoke(&mut pool, None)).0, Some(start + MINUTE), "by default its time to live");
}

#[test]
fn an_undelivered_lease_is_revoked_too() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    pool.acquire(AcquireRequest { patience: Some(SECOND * 30), ..try_of_owner("web", "run1") });
    pool.release("ann");
    let start = pool.now;

    let revoked = pool.administer(AdminAction::Revoke(Token(102), Some(SECOND * 40))).0.unwrap();
    pool.pass(SECOND * 20);
    let (_, delivered) = pool.acquire(try_of_owner("web", "run1"));
    let undelivered = pool.undelivered(102);

    assert_eq!(outcome(&revoked), (Some(start + SECOND * 40), true));
    let lease = &granted(&delivered).next().unwrap().lease;
    assert_eq!((lease.until, is_revoked(lease)), (Some(start + SECOND * 40), true));
    assert_eq!(undelivered, []);
    assert_eq!(pool.rules.next_deadline(), Some(start + SECOND * 30), "patience begins anew");
}

#[test]
fn a_snapshot_shows_the_revocation_and_its_end() {
    let (mut pool, _) = held();
    let start = pool.now;

    revoke(&mut pool, SECOND * 90);

    let holder = pool.rules.holder(Token(101), pool.now).unwrap();
    assert!(matches!(holder.revoked.as_deref(), Some(Revocation { operator: by, .. }) if *by == operator()));
    assert_eq!((holder.until, holder.free_at), (Some(start + MINUTE), Some(start + SECOND * 90)));
    assert_eq!(pool.administer(AdminAction::Revoke(Token(999), None)).0, None);
}
