//! The rules for askers that come back: owners, patience, and leases with a secret name.

use std::time::Duration;

use distributex_actors::{
    AcquireRequest, EndReason, EndedLease, Event, LeaseId, PageCursor, Refusal, ReleaseTarget, RequestId,
    Requester, Token,
};
use distributex_config::Pool;

use crate::support::{
    MINUTE, SECOND, Stage, ask_of, granted, granted_asks, grants, lease_id, name, refusal, refusals,
    settings, wait_of,
};

/// A pool whose only slot is held by a classic host, for as long as it likes.
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
fn asking_again_gets_the_same_lease_renewed() {
    let mut pool = Stage::new(settings());
    let (_, first) = pool.ask(ask_of("web", "run1"));
    pool.pass(SECOND * 50);

    let (_, second) = pool.ask(AcquireRequest { ttl: Some(SECOND * 20), ..ask_of("web", "run1") });

    assert_eq!(lease_id(&second), lease_id(&first));
    assert_eq!(grants(&second), [("web", 101)]);
    let told: Vec<_> = granted(&first).chain(granted(&second)).map(|granted| granted.again).collect();
    assert_eq!(told, [false, true]);
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + SECOND * 20));
}

#[test]
fn two_owners_of_one_host_and_one_owner_of_two_hosts_are_two_askers() {
    let mut pool = Stage::new(Pool { slots: 4, ..settings() });

    let all = [("web", "run1"), ("web", "run2"), ("db", "run1")].map(|(host, owner)| ask_of(host, owner));
    let events: Vec<_> = all.into_iter().flat_map(|request| pool.ask(request).1).collect();
    let classic = pool.get("web");

    assert_eq!(grants(&events), [("web", 101), ("web", 102), ("db", 103)]);
    assert_eq!(grants(&classic), [("web", 104)]);
}

#[test]
fn without_an_owner_every_ask_is_an_asker() {
    let mut pool = Stage::new(Pool { slots: 2, ..settings() });
    let once = || {
        let request = ask_of("web", "nobody");
        AcquireRequest {
            requester: Requester::Anonymous { host: name("web"), request: request.id },
            ..request
        }
    };

    let events: Vec<_> = [once(), once()].into_iter().flat_map(|request| pool.ask(request).1).collect();
    let (_, third) = pool.ask(AcquireRequest { patience: Some(MINUTE), ..once() });
    let (fourth, _) = pool.ask(AcquireRequest { wait: Some(MINUTE), ..once() });
    pool.cut(fourth);

    assert_eq!(grants(&events), [("web", 101), ("web", 102)]);
    assert_eq!(refusal(&third), Some(Refusal::PoolFull));
    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 0);
}

#[test]
fn a_classic_release_does_not_touch_what_an_owner_of_the_host_has() {
    let mut pool = Stage::new(Pool { slots: 2, ..settings() });
    let (_, web) = pool.ask(ask_of("web", "run1"));

    let nothing = pool.release("web");
    let (had, ended) = pool.end(&ReleaseTarget::Lease(lease_id(&web)));

    assert_eq!(nothing, []);
    assert!(had && matches!(ended[..], [Event::Ended(EndedLease { token: Token(101), .. })]));
    assert!(!pool.end(&ReleaseTarget::Lease(lease_id(&web))).0);
}

#[test]
fn a_lease_lives_as_long_as_was_asked_but_no_longer_than_the_pool_allows() {
    for (asked, lives) in [(None, MINUTE), (Some(SECOND), SECOND), (Some(MINUTE * 9), MINUTE)] {
        let mut pool = Stage::new(settings());
        let (_, web) = pool.ask(AcquireRequest { ttl: asked, ..ask_of("web", "run1") });

        assert_eq!(granted(&web).next().unwrap().lease.ttl, Some(lives));
        assert_eq!(pool.rules.next_deadline(), Some(pool.now + lives));
    }
    let mut endless = Stage::new(Pool { expire: None, ..settings() });
    let (_, web) = endless.ask(ask_of("web", "run1"));
    assert_eq!(endless.rules.next_deadline(), None);
    renew(&mut endless, lease_id(&web), Some(MINUTE * 9));
    assert_eq!(endless.rules.next_deadline(), Some(endless.now + MINUTE * 9));
}

#[test]
fn a_renewal_moves_the_end_and_a_lost_lease_cannot_be_renewed() {
    let mut pool = Stage::new(settings());
    let (_, web) = pool.ask(AcquireRequest { ttl: Some(SECOND * 40), ..ask_of("web", "run1") });
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
fn a_wait_ends_in_time_and_asking_again_keeps_the_place() {
    let mut pool = busy();
    let (first, _) = pool.ask(wait_of("web", "run1"));
    pool.pass(SECOND * 30);
    pool.ask(wait_of("db", "run1"));

    let over = pool.pass(SECOND * 30);
    pool.pass(SECOND * 9);
    let (second, parked) = pool.ask(wait_of("web", "run1"));
    let freed = pool.release("ann");

    assert_eq!(refusals(&over), [(first, Refusal::WaitTimeout, Some(1))]);
    assert!(matches!(parked[..], [Event::Parked { position: 1, .. }]));
    assert_eq!(granted_asks(&freed), [second]);
    assert_eq!(granted(&freed).next().unwrap().lease.waited, SECOND * 69);
}

#[test]
fn who_does_not_come_back_in_time_loses_its_place() {
    let mut pool = busy();
    let (cut, _) = pool.ask(AcquireRequest { patience: Some(SECOND * 3), ..wait_of("web", "run1") });
    let (next, _) = pool.ask(wait_of("db", "run1"));

    pool.cut(cut);
    pool.pass(SECOND * 3);
    let freed = pool.release("ann");

    assert_eq!(granted_asks(&freed), [next]);
}

#[test]
fn waits_and_patience_have_limits() {
    let mut pool = busy();
    let long = Some(MINUTE * 60 * 24);

    pool.ask(AcquireRequest { wait: long, patience: long, ..ask_of("web", "run1") });

    let hour = MINUTE * 60;
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + hour));
    assert_eq!(pool.pass(hour).len(), 1);
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + MINUTE));
}

#[test]
fn a_try_takes_a_place_only_if_it_names_patience() {
    let mut pool = busy();

    let (tried, no_place) = pool.ask(ask_of("web", "run1"));
    let (patient, placed) = pool.ask(AcquireRequest { patience: Some(SECOND * 5), ..ask_of("db", "run1") });
    let (_, behind) = pool.ask(wait_of("web", "run2"));
    pool.ask(AcquireRequest { patience: Some(Duration::ZERO), ..ask_of("web", "run3") });

    assert_eq!(refusals(&no_place), [(tried, Refusal::PoolFull, Some(1))]);
    assert_eq!(refusals(&placed), [(patient, Refusal::PoolFull, Some(1))]);
    assert!(matches!(behind[..], [Event::Queued { .. }, Event::Parked { position: 2, .. }]));
    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 2);
}

#[test]
fn a_grant_between_two_polls_waits_for_its_asker_and_lives_from_the_answer_on() {
    let mut pool = busy();
    pool.ask(AcquireRequest { patience: Some(SECOND * 5), ..ask_of("web", "run1") });
    pool.ask(wait_of("db", "run1"));
    pool.pass(SECOND * 2);

    let freed = pool.release("ann");
    pool.pass(SECOND * 2);
    let (request, told) = pool.ask(AcquireRequest { ttl: Some(SECOND * 20), ..ask_of("web", "run1") });

    assert!(matches!(
        &freed[..],
        [Event::Ended(EndedLease { .. }), Event::Granted { token: Token(102), .. }]
    ));
    assert_eq!(granted_asks(&told), [request]);
    assert!(!granted(&told).next().unwrap().again);
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + SECOND * 20));
}

#[test]
fn a_grant_nobody_comes_back_for_goes_to_the_next_when_its_patience_is_over() {
    let mut pool = busy();
    pool.ask(AcquireRequest { patience: Some(SECOND * 5), ..ask_of("web", "run1") });
    let (db, _) = pool.ask(wait_of("db", "run1"));
    pool.pass(SECOND * 2);
    pool.release("ann");

    let over = pool.pass(SECOND * 3);

    assert!(matches!(
        over[0],
        Event::Ended(EndedLease { how: EndReason::Undelivered, token: Token(102), .. })
    ));
    assert_eq!(granted_asks(&over), [db]);
}

#[test]
fn a_grant_whose_answer_was_not_sent_waits_for_an_owner() {
    let mut pool = busy();
    pool.ask(AcquireRequest { patience: Some(SECOND * 5), ..wait_of("web", "run1") });
    pool.ask(wait_of("db", "run1"));
    pool.release("ann");

    let undelivered = pool.unheard(102);
    pool.pass(SECOND * 4);
    let (request, told) = pool.ask(ask_of("web", "run1"));

    assert_eq!(undelivered, []);
    assert_eq!(granted_asks(&told), [request]);
    assert_eq!(
        pool.rules.next_deadline(),
        Some(pool.now + SECOND * 56),
        "only the wait of db ends by itself"
    );
}

#[test]
fn the_older_of_two_asks_is_superseded() {
    let mut pool = busy();
    let (older, _) = pool.ask(wait_of("web", "run1"));

    let (newer, events) = pool.ask(wait_of("web", "run1"));
    pool.cut(older); // its request ends now, which means nothing any more
    let freed = pool.release("ann");

    assert_eq!(refusals(&events), [(older, Refusal::Superseded, None)]);
    assert_eq!(granted_asks(&freed), [newer]);
}

#[test]
fn whoever_gives_its_place_up_waits_no_longer() {
    let mut pool = busy();
    let (parked, _) = pool.ask(wait_of("web", "run1"));
    let (next, _) = pool.ask(wait_of("db", "run1"));

    let (had, events) = pool.end(&by("web", "run1"));
    let (had_again, _) = pool.end(&by("web", "run1"));
    let freed = pool.release("ann");

    assert_eq!((had, had_again), (true, false));
    assert_eq!(refusals(&events), [(parked, Refusal::Superseded, None)]);
    assert_eq!(granted_asks(&freed), [next]);
    assert!(pool.end(&by("db", "run1")).0, "by owner a lease ends, too");
}

#[test]
fn a_full_line_has_no_place_for_a_try_either_but_keeps_those_it_has() {
    let mut pool = Stage::new(Pool { max_waiters: 1, ..settings() });
    pool.get("ann");
    let patient = |host| AcquireRequest { patience: Some(SECOND), ..ask_of(host, "run1") };

    pool.ask(patient("web"));
    let (_, full) = pool.ask(patient("db"));
    let (_, kept) = pool.ask(patient("web"));

    assert_eq!(refusal(&full), Some(Refusal::QueueFull));
    assert_eq!(refusals(&kept)[0].1, Refusal::PoolFull);
}

#[test]
fn a_closed_pool_grants_nothing_and_takes_everything_back() {
    let mut pool = busy();
    pool.ask(wait_of("web", "run1"));

    pool.rules.close();
    let freed = pool.release("ann");

    assert_eq!(grants(&freed), []);
    assert!(matches!(freed[..], [Event::Ended(EndedLease { how: EndReason::Released, .. })]));
}

#[test]
fn the_state_tells_who_holds_and_who_waits_and_no_secrets() {
    let mut pool = Stage::new(settings());
    pool.ask(AcquireRequest { command: Some("puppet".into()), ..ask_of("web", "s3cret") });
    pool.pass(SECOND * 2);
    pool.wait("ann");
    pool.ask(AcquireRequest { patience: Some(MINUTE), ..ask_of("db", "s3cret") });
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
