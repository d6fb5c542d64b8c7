//! Rules of a pool that are given the time.

use std::time::Duration;

use distributex_actors::{AdminAction, EndReason, Event, PageCursor, Refusal, RequestId, Ticket, Token};
use distributex_config::Pool;

use crate::support::{MINUTE, SECOND, Stage, granted_requests, grants, held_by, name, refusal, settings};

#[test]
fn a_free_slot_is_granted_at_once_and_to_one_host_only() {
    let mut pool = Stage::new(settings());

    let (ann, bob) = (pool.get("ann"), pool.get("bob"));

    assert_eq!(grants(&ann), [("ann", 101)]);
    assert_eq!(refusal(&bob), Some(Refusal::PoolFull));
}

#[test]
fn a_repeated_get_is_answered_and_moves_no_end() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    pool.pass(MINUTE / 2);

    let again = pool.get("ann");
    let end = pool.rules.next_deadline();

    assert_eq!(grants(&again), [("ann", 101)]);
    assert_eq!(end, Some(pool.now + MINUTE / 2));
}

#[test]
fn a_pool_has_as_many_holders_as_slots() {
    let mut pool = Stage::new(Pool { slots: 3, ..settings() });

    let first: Vec<_> = ["ann", "bob", "cid"].iter().flat_map(|host| pool.get(host)).collect();
    let fourth = pool.get("dan");

    assert_eq!(grants(&first), [("ann", 101), ("bob", 102), ("cid", 103)]);
    assert_eq!(refusal(&fourth), Some(Refusal::PoolFull));
}

#[test]
fn a_freed_slot_goes_to_the_longest_waiter() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    pool.wait("bob");
    pool.wait("cid");

    let (first, second) = (pool.release("ann"), pool.release("bob"));

    assert_eq!(grants(&first), [("bob", 102)]);
    assert_eq!(grants(&second), [("cid", 103)]);
}

#[test]
fn a_waiter_has_a_ticket_and_a_position() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    let (bob, _) = pool.wait("bob");
    pool.wait("cid");
    pool.cancel(bob);

    let (dan, events) = pool.wait("dan");

    let (ticket, host, position) = (Ticket(3), name("dan"), 2);
    assert_eq!(
        events,
        [
            Event::Queued { ticket, host, position },
            Event::Parked { request: dan, ticket: Ticket(3), position: 2 }
        ]
    );
}

#[test]
fn a_waiter_that_left_is_skipped() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    let (bob, _) = pool.wait("bob");
    pool.wait("cid");
    pool.cancel(bob);
    pool.cancel(bob);

    let freed = pool.release("ann");

    assert_eq!(grants(&freed), [("cid", 102)]);
}

#[test]
fn one_grant_answers_all_waits_of_its_host() {
    let mut pool = Stage::new(Pool { slots: 2, ..settings() });
    pool.get("ann");
    pool.get("zoe");
    let (first, _) = pool.wait("bob");
    let (cid, _) = pool.wait("cid");
    let (second, _) = pool.wait("bob");

    let freed = pool.release("ann");
    let next = pool.release("zoe");

    assert_eq!(granted_requests(&freed), [first, second]);
    assert_eq!(grants(&freed), [("bob", 102 + 1), ("bob", 103)]);
    assert_eq!(granted_requests(&next), [cid]);
}

#[test]
fn a_host_has_the_position_of_its_first_present_wait() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    let (first, _) = pool.wait("bob");
    pool.wait("cid");
    pool.wait("bob");
    pool.cancel(first);

    let freed = pool.release("ann");

    assert_eq!(grants(&freed), [("cid", 102)]);
}

#[test]
fn only_the_holder_frees_its_slot() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    pool.wait("bob");

    let nothing = pool.release("cid");
    let also_nothing = pool.release("bob");

    assert_eq!((nothing, also_nothing), (vec![], vec![]));
}

#[test]
fn every_lease_ends_at_its_own_time() {
    let mut pool = Stage::new(Pool { slots: 2, ..settings() });
    pool.get("ann");
    pool.pass(SECOND * 20);
    pool.get("bob");
    pool.wait("cid");

    let before = pool.pass(SECOND * 40 - Duration::from_nanos(1));
    let at_the_end = pool.pass(Duration::from_nanos(1));

    assert_eq!(before, []);
    let Event::Ended(ended) = &at_the_end[0] else { panic!("{at_the_end:?}") };
    assert_eq!((ended.token, ended.requester.host()), (Token(101), &name("ann")));
    assert_eq!((ended.how, ended.held, ended.by), (EndReason::Expired, MINUTE, None));
    assert_eq!(grants(&at_the_end), [("cid", 103)]);
    assert_eq!(pool.rules.next_deadline(), Some(pool.now + SECOND * 20));
}

#[test]
fn an_expired_lease_blocks_no_request_before_the_timer() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    pool.now += MINUTE;

    let bob = pool.get("bob");

    assert_eq!(grants(&bob), [("bob", 102)]);
}

#[test]
fn without_expiry_a_lease_never_ends() {
    let mut pool = Stage::new(Pool { expire: None, ..settings() });
    pool.get("ann");

    let century = pool.pass(MINUTE * 60 * 24 * 365 * 100);

    assert_eq!((century, pool.rules.next_deadline()), (vec![], None));
}

#[test]
fn only_the_named_hosts_may_use_a_pool() {
    let servers = Some([name("ann")].into());
    let mut pool = Stage::new(Pool { servers, ..settings() });
    let request = RequestId::next();

    let get = pool.get("bob");
    let (_, wait) = pool.wait("bob");
    let release = pool.act(|rules, now, out| rules.release(request, &held_by("bob"), now, out));

    assert_eq!([refusal(&get), refusal(&wait), refusal(&release)], [Some(Refusal::HostNotAllowed); 3]);
    assert_eq!(grants(&pool.get("ann")), [("ann", 101)]);
}

#[test]
fn a_full_queue_refuses_only_new_waiters() {
    let mut pool = Stage::new(Pool { max_waiters: 1, ..settings() });
    pool.get("ann");
    pool.wait("bob");

    let (_, cid) = pool.wait("cid");
    let (_, ann) = pool.wait("ann");

    assert_eq!(refusal(&cid), Some(Refusal::QueueFull));
    assert_eq!(grants(&ann), [("ann", 101)]);
}

#[test]
fn an_undelivered_grant_goes_to_the_next() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    pool.wait("bob");

    let events = pool.undelivered(101);

    let Event::Ended(ended) = &events[0] else { panic!("{events:?}") };
    assert_eq!((ended.token, ended.how, ended.held), (Token(101), EndReason::Undelivered, Duration::ZERO));
    assert_eq!(grants(&events), [("bob", 102)]);
}

#[test]
fn a_grant_delivered_to_one_request_stays() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    for _ in 0..5 {
        pool.wait("bob");
    }
    pool.release("ann");

    let four: Vec<_> = (0..4).flat_map(|_| pool.undelivered(102)).collect();
    let again = pool.get("bob");
    let fifth = pool.undelivered(102);

    assert_eq!(four, []);
    assert_eq!(grants(&again), [("bob", 102)]);
    assert_eq!(fifth, []); // the get was answered
}

#[test]
fn an_undelivered_old_lease_does_not_end_a_newer_one() {
    let mut pool = Stage::new(settings());
    pool.get("ann");
    pool.release("ann");
    pool.get("ann");

    let events = pool.undelivered(101);

    assert_eq!(events, []);
    assert_eq!(refusal(&pool.get("bob")), Some(Refusal::PoolFull));
}

#[test]
fn a_snapshot_has_pages_of_a_hundred() {
    let mut pool = Stage::new(Pool { slots: 250, ..settings() });
    for n in 0..250 {
        pool.get(&format!("holder{n}"));
    }
    for n in 0..130 {
        pool.wait(&format!("waiter{n}"));
    }
    pool.administer(AdminAction::Promote(Ticket(120)));

    let (mut after, mut sizes, mut hosts, mut tickets) =
        (Some(PageCursor::default()), vec![], vec![], vec![]);
    while let Some(page) = after.map(|after| pool.rules.snapshot(after, pool.now)) {
        sizes.push((page.held, page.holders.len(), page.waiting, page.waiters.len()));
        hosts.extend(page.holders.iter().map(|holder| holder.host.clone()));
        tickets.extend(page.waiters.iter().map(|waiting| waiting.ticket.0));
        after = page.next;
    }

    assert_eq!(sizes, [(250, 100, 130, 100), (250, 100, 130, 30), (250, 50, 130, 0)]);
    assert!(hosts.iter().enumerate().all(|(n, host)| *host == name(&format!("holder{n}"))));
    assert_eq!(tickets[..3], [120, 1, 2], "in the order of the line");
    tickets.sort_unstable();
    assert!(tickets.into_iter().eq(1..=130), "each one once");
}
