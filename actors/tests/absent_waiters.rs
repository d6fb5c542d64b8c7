//! Limits of queue entries whose requests have ended.

use std::time::Duration;

use distributex_actors::{AcquireRequest, Event, Refusal, RequestId, Ticket};
use distributex_config::{Limits, Pool};

use crate::support::{MINUTE, SECOND, Stage, grants, name, refusals, settings, try_of_owner, wait_of_owner};

/// A pool whose slot is held, with three entries of an absent host.
fn held(max_waiters: usize) -> Stage {
    let (mut pool, settings) = (Stage::new(settings()), Pool { max_waiters, ..settings() });
    let limits = Limits { absent_per_host: 3, ..Limits::default() };
    pool.act(|rules, now, out| rules.reconfigure(Some(settings), limits, now, out));
    pool.get("holder");
    pool
}

/// A try whose queue entry is kept for a minute.
fn try_of(host: &str, owner: &str) -> AcquireRequest {
    AcquireRequest { patience: Some(MINUTE), ..try_of_owner(host, owner) }
}

/// Tickets of the waiters that left.
fn left(events: &[Event]) -> Vec<u64> {
    let ticket = |event: &Event| {
        if let Event::Left { ticket: Ticket(number), .. } = event { Some(*number) } else { None }
    };
    events.iter().filter_map(ticket).collect()
}

fn length(pool: &Stage) -> usize {
    pool.rules.counts().waiting
}

#[test]
fn a_host_has_a_limited_number_of_absent_entries() {
    let mut pool = held(1_000);

    let tries: Vec<_> = (0..100).map(|n| pool.acquire(try_of("evil", &format!("run{n}")))).collect();

    assert_eq!(length(&pool), 3);
    let positions = tries
        .iter()
        .flat_map(|(_, events)| refusals(events))
        .map(|(_, why, position)| (why, position.unwrap()));
    let positions: Vec<_> = positions.collect();
    assert_eq!(positions[..3], [(Refusal::PoolFull, 1), (Refusal::PoolFull, 2), (Refusal::PoolFull, 3)]);
    assert!(positions[3..].iter().all(|refused| *refused == (Refusal::PoolFull, 4)), "it would be the 4th");
    let (_, events) = pool.acquire(try_of("good", "run"));
    assert_eq!(refusals(&events)[0].2, Some(4));
    assert_eq!(length(&pool), 4);
}

#[test]
fn the_latest_absent_entries_are_dropped_first() {
    let mut pool = held(1_000);
    let waits: Vec<RequestId> =
        (0..5).map(|n| pool.acquire(wait_of_owner("web", &format!("run{n}"))).0).collect();

    let events: Vec<_> = waits.into_iter().rev().map(|request| left(&pool.cancel(request))).collect();

    assert_eq!(events, [vec![], vec![], vec![], vec![5], vec![4]]);
    assert_eq!(length(&pool), 3);
}

#[test]
fn a_waiter_replaces_an_absent_entry() {
    let mut pool = held(3);
    pool.acquire(try_of("evil", "run1"));
    pool.acquire(try_of("evil", "run2"));
    pool.wait("ann");

    let (bob, events) = pool.wait("bob");
    let (_, refused) = pool.acquire(try_of("other", "run"));

    let (ticket, host, position) = (Ticket(4), name("bob"), 3);
    assert_eq!(
        events,
        [
            Event::Left { ticket: Ticket(2), host: name("evil") },
            Event::Queued { ticket, host, position },
            Event::Parked { request: bob, ticket, position }
        ]
    );
    assert_eq!(refusals(&refused)[0].1, Refusal::QueueFull, "it would not be there either");
    assert_eq!(left(&pool.wait("cid").1), [1]);
    assert_eq!(refusals(&pool.wait("dan").1)[0].1, Refusal::QueueFull);
}

#[test]
fn a_freed_slot_waits_for_one_patience_at_most() {
    let mut pool = held(1_000);
    for n in 0..100 {
        pool.acquire(try_of("evil", &format!("run{n}")));
        pool.pass(Duration::from_millis(100));
    }
    pool.wait("good");

    pool.release("holder");
    let early = pool.pass(MINUTE - 11 * SECOND);
    let served = pool.pass(11 * SECOND);

    assert_eq!(grants(&early), []);
    assert_eq!(grants(&served)[0].0, "good");
}

#[test]
fn a_lower_limit_counts_at_once() {
    let mut pool = held(1_000);
    for n in 0..3 {
        pool.acquire(try_of("web", &format!("run{n}")));
    }
    let limits = Limits { absent_per_host: 1, ..Limits::default() };

    let events = pool.act(|rules, now, out| rules.reconfigure(Some(settings()), limits, now, out));

    assert_eq!(left(&events), [3, 2]);
}
