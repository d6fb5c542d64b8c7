//! Rules for resumable requesters: owners, patience, and leases with a secret id.

use std::time::Duration;

use distributex_actors::{
    AcquireRequest, EndReason, EndedLease, Event, LeaseId, PageCursor, Refusal, ReleaseTarget, RequestId,
    Requester, Token,
};
use distributex_config::Pool;

use crate::support::{
    MINUTE, SECOND, Stage, granted, granted_requests, grants, lease_id, name, refusal, refusals, settings,
    try_of_owner, wait_of_owner,
};

/// A pool whose only slot is held by a classic host, without a limit.
fn busy() -> Stage {
    let mut pool = Stage::new(Pool { expire: None, ..settings() });
    pool.get("ann");
    pool
}

fn by(host: &str, owner: &str) -> ReleaseTarget {
    ReleaseTarget::Requester(Requester::Owner { host: name(host), owner: name(owner) })
}

fn renew(pool: &mut Stage, lease: LeaseId, ttl: Option<Duration>) -> Vec<Event> {
    pool.act(|rules, now, out| rules.renew(RequestId::next(), lease, ttl, now, out))
}

#[test]
fn a_repeated_request_gets_the_same_lease_renewed() {
    let mut pool = Stage::new(settings());
    let (_, first) = pool.acquire(try_of_owner("web", "run1"));
    pool.pass(SECOND * 50);

    let (_, second) = pool.acquire(AcquireRequest { ttl: Some(SECOND * 20), ..try_of_owner("web", "run1") });

    assert_eq!(lease_id(&second), lease_id(&first));
    assert_eq!(grants(&second), [("web", 101)]);
    let message: Vec<_> = granted(&first).chain(granted(&second)).map(|granted| granted.again).collect();
    assert_eq!(message, [false, true]);
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + SECOND * 20));
}

#[test]
fn host_and_owner_together_identify_a_requester() {
    let mut pool = Stage::new(Pool { slots: 4, ..settings() });

    let all =
        [("web", "run1"), ("web", "run2"), ("db", "run1")].map(|(host, owner)| try_of_owner(host, owner));
    let events: Vec<_> = all.into_iter().flat_map(|request| pool.acquire(request).1).collect();
    let classic = pool.get("web");

    assert_eq!(grants(&events), [("web", 101), ("web", 102), ("db", 103)]);
    assert_eq!(grants(&classic), [("web", 104)]);
}

#[test]
fn without_an_owner_every_request_is_a_requester() {
    let mut pool = Stage::new(Pool { slots: 2, ..settings() });
    let once = || {
        let request = try_of_owner("web", "nobody");
        AcquireRequest {
            requester: Requester::Anonymous { host: name("web"), request: request.id },
            ..request
        }
    };

    let events: Vec<_> = [once(), once()].into_iter().flat_map(|request| pool.acquire(request).1).collect();
    let (_, third) = pool.acquire(AcquireRequest { patience: Some(MINUTE), ..once() });
    let (fourth, _) = pool.acquire(AcquireRequest { wait: Some(MINUTE), ..once() });
    pool.cancel(fourth);

    assert_eq!(grants(&events), [("web", 101), ("web", 102)]);
    assert_eq!(refusal(&third), Some(Refusal::PoolFull));
    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 0);
}

#[test]
fn a_classic_release_leaves_the_leases_of_owners() {
    let mut pool = Stage::new(Pool { slots: 2, ..settings() });
    let (_, web) = pool.acquire(try_of_owner("web", "run1"));

    let nothing = pool.release("web");
    let (had, ended) = pool.end(&ReleaseTarget::Lease(lease_id(&web)));

    assert_eq!(nothing, []);
    assert!(had && matches!(ended[..], [Event::Ended(EndedLease { token: Token(101), .. })]));
    assert!(!pool.end(&ReleaseTarget::Lease(lease_id(&web))).0);
}

#[test]
fn a_ttl_is_limited_by_the_pool() {
    for (wanted, lives) in [(None, MINUTE), (Some(SECOND), SECOND), (Some(MINUTE * 9), MINUTE)] {
        let mut pool = Stage::new(settings());
        let (_, web) = pool.acquire(AcquireRequest { ttl: wanted, ..try_of_owner("web", "run1") });

        assert_eq!(granted(&web).next().unwrap().lease.ttl, Some(lives));
        assert_eq!(pool.rules.next_deadline(), Some(pool.now + lives));
    }
    let mut endless = Stage::new(Pool { expire: None, ..settings() });
    let (_, web) = endless.acquire(try_of_owner("web", "run1"));
    assert_eq!(endless.rules.next_deadline(), None);
    renew(&mut endless, lease_id(&web), Some(MINUTE * 9));
    assert_eq!(endless.rules.next_deadline(), Some(endless.now + MINUTE * 9));
}

#[test]
fn a_renewal_moves_the_end_and_a_lost_lease_cannot_be_renewed() {
    let mut pool = Stage::new(settings());
    let (_, web) = pool.acquire(AcquireRequest { ttl: Some(SECOND * 40), ..try_of_owner("web", "run1") });
    pool.pass(SECOND * 30);

    let renewed = renew(&mut pool, lease_id(&web), None);
    let until = pool.now + SECOND * 40;
    let still_held = pool.pass(SECOND * 39);
    let over = pool.pass(SECOND);
    let too_late = renew(&mut pool, lease_id(&web), None);

    assert!(matches!(&renewed[..], [Event::Renewed { lease, .. }] if lease.until == Some(until)));
    assert_eq!(still_held, []);
    assert!(matches!(over[..], [Event::Ended(EndedLease { how: EndReason::Expired, .. })]));
    assert_eq!(refusal(&too_late), Some(Refusal::LeaseLost));
}

#[test]
fn a_wait_times_out_and_a_repeated_one_keeps_its_position() {
    let mut pool = busy();
    let (first, _) = pool.acquire(wait_of_owner("web", "run1"));
    pool.pass(SECOND * 30);
    pool.acquire(wait_of_owner("db", "run1"));

    let over = pool.pass(SECOND * 30);
    pool.pass(SECOND * 9);
    let (second, parked) = pool.acquire(wait_of_owner("web", "run1"));
    let freed = pool.release("ann");

    assert_eq!(refusals(&over), [(first, Refusal::WaitTimeout, Some(1))]);
    assert!(matches!(parked[..], [Event::Parked { position: 1, .. }]));
    assert_eq!(granted_requests(&freed), [second]);
    assert_eq!(granted(&freed).next().unwrap().lease.waited, SECOND * 69);
}

#[test]
fn an_entry_is_removed_after_its_patience() {
    let mut pool = busy();
    let (cancel, _) =
        pool.acquire(AcquireRequest { patience: Some(SECOND * 3), ..wait_of_owner("web", "run1") });
    let (next, _) = pool.acquire(wait_of_owner("db", "run1"));

    pool.cancel(cancel);
    pool.pass(SECOND * 3);
    let freed = pool.release("ann");

    assert_eq!(granted_requests(&freed), [next]);
}

#[test]
fn waits_and_patience_have_limits() {
    let mut pool = busy();
    let long = Some(MINUTE * 60 * 24);

    pool.acquire(AcquireRequest { wait: long, patience: long, ..try_of_owner("web", "run1") });

    let hour = MINUTE * 60;
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + hour));
    assert_eq!(pool.pass(hour).len(), 1);
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + MINUTE));
}

#[test]
fn a_try_is_queued_only_with_a_patience() {
    let mut pool = busy();

    let (tried, no_place) = pool.acquire(try_of_owner("web", "run1"));
    let (patient, placed) =
        pool.acquire(AcquireRequest { patience: Some(SECOND * 5), ..try_of_owner("db", "run1") });
    let (_, behind) = pool.acquire(wait_of_owner("web", "run2"));
    pool.acquire(AcquireRequest { patience: Some(Duration::ZERO), ..try_of_owner("web", "run3") });

    assert_eq!(refusals(&no_place), [(tried, Refusal::PoolFull, Some(1))]);
    assert_eq!(refusals(&placed), [(patient, Refusal::PoolFull, Some(1))]);
    assert!(matches!(behind[..], [Event::Queued { .. }, Event::Parked { position: 2, .. }]));
    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 2);
}

#[test]
fn a_grant_between_two_requests_lives_from_its_response() {
    let mut pool = busy();
    pool.acquire(AcquireRequest { patience: Some(SECOND * 5), ..try_of_owner("web", "run1") });
    pool.acquire(wait_of_owner("db", "run1"));
    pool.pass(SECOND * 2);

    let freed = pool.release("ann");
    pool.pass(SECOND * 2);
    let (request, message) =
        pool.acquire(AcquireRequest { ttl: Some(SECOND * 20), ..try_of_owner("web", "run1") });

    assert!(matches!(
        &freed[..],
        [Event::Ended(EndedLease { .. }), Event::Granted { token: Token(102), .. }]
    ));
    assert_eq!(granted_requests(&message), [request]);
    assert!(!granted(&message).next().unwrap().again);
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + SECOND * 20));
}

#[test]
fn an_unclaimed_grant_goes_to_the_next_after_its_patience() {
    let mut pool = busy();
    pool.acquire(AcquireRequest { patience: Some(SECOND * 5), ..try_of_owner("web", "run1") });
    let (db, _) = pool.acquire(wait_of_owner("db", "run1"));
    pool.pass(SECOND * 2);
    pool.release("ann");

    let over = pool.pass(SECOND * 3);

    assert!(matches!(
        over[0],
        Event::Ended(EndedLease { how: EndReason::Undelivered, token: Token(102), .. })
    ));
    assert_eq!(granted_requests(&over), [db]);
}

#[test]
fn an_undelivered_grant_waits_for_its_owner() {
    let mut pool = busy();
    pool.acquire(AcquireRequest { patience: Some(SECOND * 5), ..wait_of_owner("web", "run1") });
    pool.acquire(wait_of_owner("db", "run1"));
    pool.release("ann");

    let undelivered = pool.undelivered(102);
    pool.pass(SECOND * 4);
    let (request, message) = pool.acquire(try_of_owner("web", "run1"));

    assert_eq!(undelivered, []);
    assert_eq!(granted_requests(&message), [request]);
    assert_eq!(
        pool.rules.next_deadline(),
        Some(pool.now + SECOND * 56),
        "only the wait of db ends by itself"
    );
}

#[test]
fn the_older_of_two_requests_is_superseded() {
    let mut pool = busy();
    let (older, _) = pool.acquire(wait_of_owner("web", "run1"));

    let (newer, events) = pool.acquire(wait_of_owner("web", "run1"));
    pool.cancel(older); // its request ends now, which no longer has an effect
    let freed = pool.release("ann");

    assert_eq!(refusals(&events), [(older, Refusal::Superseded, None)]);
    assert_eq!(granted_requests(&freed), [newer]);
}

#[test]
fn a_released_queue_entry_ends_its_wait() {
    let mut pool = busy();
    let (parked, _) = pool.acquire(wait_of_owner("web", "run1"));
    let (next, _) = pool.acquire(wait_of_owner("db", "run1"));

    let (had, events) = pool.end(&by("web", "run1"));
    let (had_again, _) = pool.end(&by("web", "run1"));
    let freed = pool.release("ann");

    assert_eq!((had, had_again), (true, false));
    assert_eq!(refusals(&events), [(parked, Refusal::Superseded, None)]);
    assert_eq!(granted_requests(&freed), [next]);
    assert!(pool.end(&by("db", "run1")).0, "by owner a lease ends, too");
}

#[test]
fn a_full_queue_takes_no_try_and_keeps_its_entries() {
    let mut pool = Stage::new(Pool { max_waiters: 1, ..settings() });
    pool.get("ann");
    let patient = |host| AcquireRequest { patience: Some(SECOND), ..try_of_owner(host, "run1") };

    pool.acquire(patient("web"));
    let (_, full) = pool.acquire(patient("db"));
    let (_, kept) = pool.acquire(patient("web"));

    assert_eq!(refusal(&full), Some(Refusal::QueueFull));
    assert_eq!(refusals(&kept)[0].1, Refusal::PoolFull);
}

#[test]
fn a_closed_pool_grants_nothing_and_serves_releases() {
    let mut pool = busy();
    pool.acquire(wait_of_owner("web", "run1"));

    pool.rules.close();
    let freed = pool.release("ann");

    assert_eq!(grants(&freed), []);
    assert!(matches!(freed[..], [Event::Ended(EndedLease { how: EndReason::Released, .. })]));
}

#[test]
fn a_snapshot_shows_holders_and_waiters_and_no_secrets() {
    let mut pool = Stage::new(settings());
    pool.acquire(AcquireRequest { command: Some("puppet".into()), ..try_of_owner("web", "s3cret") });
    pool.pass(SECOND * 2);
    pool.wait("ann");
    pool.acquire(AcquireRequest { patience: Some(MINUTE), ..try_of_owner("db", "s3cret") });
    pool.pass(SECOND);

    let state = pool.rules.snapshot(PageCursor::default(), pool.now);

    let [holder] = &state.holders[..] else { panic!("{state:?}") };
    assert_eq!((holder.host.as_str(), holder.held), ("web", SECOND * 3));
    assert_eq!(holder.command.as_deref(), Some("puppet"));
    assert_eq!(state.held, 1);
    assert_eq!(pool.rules.holder(holder.token, pool.now).as_ref(), Some(holder));
    assert_eq!(pool.rules.holder(holder.token, pool.now + MINUTE), None);
    let queue: Vec<_> = state
        .waiters
        .iter()
        .map(|position| (position.host.as_str(), position.waited, position.present))
        .collect();
    assert_eq!((state.slots, state.waiting), (1, 2));
    assert_eq!(queue, [("ann", SECOND, true), ("db", SECOND, false)]);
    assert!(!format!("{:?} {state:?}", pool.rules).contains("s3cret"));
}
