//! Persistence of pools, and their state after a restart.

use std::collections::BTreeMap;

use distributex_actors::{
    AcquireRequest, AdminAction, Event, Operator, PageCursor, ReleaseTarget, Ticket, Token,
    pool::{
        lease::Lease,
        persistence::{HighestNumbers, PersistedPool, PoolChange},
        queue::Waiter,
    },
};
use distributex_config::Pool;
use proptest::prelude::*;

use crate::{
    model::{MAX_WAITERS, Model, Past, TTL, play, steps},
    support::{
        MINUTE, SECOND, Stage, granted_requests, grants, name, refusals, settings, try_of_owner,
        wait_of_owner,
    },
};

/// The rows on the disk, as the rules write them.
#[derive(Debug, Default)]
struct Book {
    numbers: HighestNumbers,
    leases: BTreeMap<Token, Lease>,
    queue_entries: BTreeMap<Ticket, Waiter>,
    paused: Option<Operator>,
}

impl Book {
    fn enter(&mut self, changes: Vec<PoolChange>) {
        for change in changes {
            match change {
                PoolChange::Numbers(numbers) => self.numbers = numbers,
                PoolChange::Paused(paused) => self.paused = paused,
                PoolChange::Lease(token, Some(lease)) => drop(self.leases.insert(token, lease)),
                PoolChange::Lease(token, None) => drop(self.leases.remove(&token)),
                PoolChange::QueueEntry(ticket, Some(waiter)) => {
                    drop(self.queue_entries.insert(ticket, waiter));
                }
                PoolChange::QueueEntry(ticket, None) => drop(self.queue_entries.remove(&ticket)),
            }
        }
    }

    fn kept(&self) -> PersistedPool {
        let absent = |(ticket, waiter): (&Ticket, &Waiter)| {
            (*ticket, Waiter { present: None, until: None, ..waiter.clone() })
        };
        PersistedPool {
            numbers: self.numbers,
            leases: self.leases.values().cloned().collect(),
            queue_entries: self.queue_entries.iter().map(absent).collect(),
            paused: self.paused.clone(),
        }
    }
}

/// A pool that is persisted from its start.
fn written(settings: Pool) -> Stage {
    let mut pool = Stage::new(settings);
    pool.rules.restore(PersistedPool::default(), pool.now);
    pool
}

/// The pool after a restart, before free slots are granted.
fn restarted(pool: &Stage, book: &Book, settings: Pool) -> Stage {
    let mut restarted = Stage { now: pool.now, ..Stage::new(settings) };
    restarted.rules.restore(book.kept(), pool.now);
    restarted
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn a_restart_forgets_no_lease_and_no_queue_entry(slots in 1..4u32, steps in steps()) {
        let settings = Pool { slots, expire: Some(TTL), max_waiters: MAX_WAITERS, ..settings() };
        let mut pool = written(settings.clone());
        let mut model = Model::of(slots);
        let (mut past, mut book, mut latest) = (Past::default(), Book::default(), 0);
        for step in &steps {
            let (events, _) = play(step, &mut pool, &mut model, &mut past);
            for event in events {
                if let Event::Granted { token, .. } = &event {
                    latest = token.0;
                }
                if let Event::Answered(granted) = event {
                    past.grants.push(granted.lease);
                }
            }
            book.enter(pool.rules.take_changes());

            let after = restarted(&pool, &book, settings.clone());

            let (before, now) = (pool.rules.snapshot(PageCursor::default(), pool.now), after.rules.snapshot(PageCursor::default(), pool.now));
            prop_assert_eq!(now.holders.len(), before.holders.len());
            for (now, before) in now.holders.iter().zip(&before.holders) {
                prop_assert_eq!((now.token, now.held, &now.host), (before.token, before.held, &before.host));
                let deliveries = book.leases[&now.token].deliveries > 0;
                prop_assert!(!deliveries || now.until == before.until, "{:?} {:?}", now, before);
            }
            let hosts: Vec<_> = now.waiters.iter().map(|waiting| waiting.host.as_str()).collect();
            prop_assert_eq!(hosts, model.queued_owners());
            prop_assert_eq!(now.paused, before.paused);
            let mut wide = restarted(&pool, &book, Pool { slots: 99, ..settings.clone() });
            wide.administer(AdminAction::Pause);
            wide.administer(AdminAction::Resume); // now the waiters are served
            let token = grants(&wide.get("another"))[0].1;
            prop_assert!(token > latest, "a token that was given is not given again");
        }
    }
}

#[test]
fn a_restored_waiter_keeps_its_position_and_its_slot() {
    let (mut pool, mut book) = (written(settings()), Book::default());
    pool.get("ann");
    let (_, _) = (pool.acquire(wait_of_owner("bob", "run1")), pool.acquire(wait_of_owner("cid", "run1")));
    pool.release("ann");
    let (_, dan) = pool.acquire(wait_of_owner("dan", "run1"));
    assert!(grants(&dan).is_empty());
    book.enter(pool.rules.take_changes());
    // Bob's grant was delivered, or on its way; its slot is freed while the server is down, as the lease expires.
    let mut kept = book.kept();
    kept.leases.clear();

    let mut pool = Stage { now: pool.now + MINUTE, ..Stage::new(settings()) };
    pool.rules.restore(kept, pool.now);
    let events = pool.act(|rules, now, out| rules.serve(now, out));
    assert!(granted_requests(&events).is_empty(), "cid has the slot, but is absent");
    let (dan, events) = pool.acquire(wait_of_owner("dan", "run1"));
    assert!(refusals(&events).is_empty() && granted_requests(&events).is_empty());
    pool.pass(9 * SECOND);
    let (cid, events) = pool.acquire(wait_of_owner("cid", "run1"));

    assert_eq!(granted_requests(&events), [cid]);
    let (_, events) = pool.end(&ReleaseTarget::Requester(wait_of_owner("cid", "run1").requester));
    assert_eq!(granted_requests(&events), [dan]);
}

#[test]
fn a_restored_waiter_is_removed_after_its_patience() {
    let (mut pool, mut book) = (written(Pool { expire: None, ..settings() }), Book::default());
    pool.get("ann");
    pool.acquire(wait_of_owner("bob", "run1"));
    book.enter(pool.rules.take_changes());

    let mut pool = restarted(&pool, &book, settings());
    pool.pass(9 * SECOND);
    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 1);
    pool.pass(2 * SECOND);

    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 0);
}

#[test]
fn a_host_not_allowed_after_a_restart_keeps_only_its_lease() {
    let (mut pool, mut book) = (written(settings()), Book::default());
    pool.acquire(try_of_owner("ann", "run1"));
    pool.acquire(wait_of_owner("bob", "run1"));
    let (_, cid) = pool.acquire(wait_of_owner("cid", "run1"));
    let ticket = |events: &[Event]| {
        let placed =
            |event: &Event| if let Event::Parked { ticket, .. } = event { Some(*ticket) } else { None };
        events.iter().find_map(placed).unwrap()
    };
    book.enter(pool.rules.take_changes());

    let servers = Some(["cid", "dan"].map(name).into());
    let mut pool = restarted(&pool, &book, Pool { servers, ..settings() });
    book.enter(pool.rules.take_changes());

    let state = pool.rules.snapshot(PageCursor::default(), pool.now);
    assert_eq!((state.held, state.waiting, state.waiters[0].host.as_str()), (1, 1, "cid"));
    assert_eq!(book.queue_entries.len(), 1, "bob's entry is deleted from the disk, too");
    let (_, dan) = pool.acquire(wait_of_owner("dan", "run1"));
    assert!(ticket(&dan) > ticket(&cid));
    assert!(pool.end(&ReleaseTarget::Requester(try_of_owner("ann", "run1").requester)).0);
}

#[test]
fn tickets_do_not_repeat_after_a_restart() {
    let (mut pool, mut book) = (written(settings()), Book::default());
    pool.get("ann");
    let (_, bob) = pool.acquire(wait_of_owner("bob", "run1"));
    assert!(matches!(bob[0], Event::Queued { ticket: Ticket(1), .. }));
    book.enter(pool.rules.take_changes());
    assert!(pool.end(&ReleaseTarget::Requester(wait_of_owner("bob", "run1").requester)).0);
    book.enter(pool.rules.take_changes());

    let (_, cid) = restarted(&pool, &book, settings()).acquire(wait_of_owner("cid", "run1"));

    assert!(matches!(cid[0], Event::Queued { ticket: Ticket(2..), .. }), "{cid:?}");
}

#[test]
fn tickets_of_classic_hosts_do_not_repeat() {
    let (mut pool, mut book) = (written(Pool { max_waiters: 5_000, ..settings() }), Book::default());
    pool.get("ann");
    for host in 0..1_500 {
        pool.wait(&format!("web{host}"));
        book.enter(pool.rules.take_changes());
    }

    let (_, cid) = restarted(&pool, &book, settings()).acquire(wait_of_owner("cid", "run1"));

    assert!(matches!(cid[0], Event::Queued { ticket: Ticket(1_501..), .. }), "{cid:?}");
}

#[test]
fn an_unused_pool_writes_nothing() {
    let mut pool = written(settings());

    pool.pass(MINUTE);

    assert!(pool.rules.take_changes().is_empty());
}

#[test]
fn while_writes_fail_no_slot_is_granted_and_patience_stops() {
    let mut pool = written(settings());
    pool.get("ann");
    let (bob, _) = pool.acquire(wait_of_owner("bob", "run1"));
    let (cid, _) = pool.wait("cid");
    pool.rules.suspend(pool.now);
    pool.cancel(bob);

    assert!(granted_requests(&pool.release("ann")).is_empty());
    assert!(granted_requests(&pool.pass(MINUTE * 5)).is_empty());
    let events = pool.act(|rules, now, out| rules.resume(now, out));
    assert!(granted_requests(&events).is_empty(), "bob is next, and has ten seconds to reconnect");
    let events = pool.pass(11 * SECOND);

    assert_eq!(granted_requests(&events), [cid]);
}

#[test]
fn a_grant_that_cannot_be_written_is_undone() {
    let mut pool = written(Pool { slots: 2, ..settings() });
    pool.get("ann");
    pool.get("amy");
    let waiters = ["bob", "cid", "bob", "dan"].map(|host| pool.wait(host).0);
    let (eve, _) = pool.acquire(AcquireRequest { patience: Some(MINUTE), ..try_of_owner("eve", "run1") });
    let tokens = [101, 102].map(Token);
    tokens.iter().for_each(|token| pool.rules.recorded(*token));
    let (_, events) = pool.administer(AdminAction::Promote(Ticket(4)));
    assert!(grants(&events).is_empty());

    pool.release("ann");
    pool.release("amy"); // dan and bob have the slots
    pool.cancel(waiters[0]);
    let taken_back = pool.rules.take_back(&mut Vec::new());
    pool.rules.suspend(pool.now);

    assert_eq!(taken_back, [103, 104].map(Token).into());
    assert_eq!(pool.rules.counts().held, 0);
    let first = pool.rules.snapshot(PageCursor::default(), pool.now).waiters;
    let hosts: Vec<_> = first.iter().map(|waiting| waiting.host.as_str()).collect();
    assert_eq!(hosts, ["dan", "cid", "bob", "eve"]);
    let granted = pool.act(|rules, now, out| rules.resume(now, out));
    assert_eq!(granted_requests(&granted), [waiters[3], waiters[1]]);
    assert!(!granted_requests(&granted).contains(&eve));
}

#[test]
fn a_wait_that_only_continues_writes_nothing() {
    let mut pool = written(settings());
    pool.get("ann");
    let (bob, _) = pool.acquire(wait_of_owner("bob", "run1"));
    assert!(!pool.rules.take_changes().is_empty());

    pool.cancel(bob);
    pool.acquire(wait_of_owner("bob", "run1"));
    pool.wait("cid");
    pool.get("ann");

    assert!(pool.rules.take_changes().is_empty());
}
