//! Order of the waiters of several servers.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    round::commands,
    testing::{Memcached, TestServer, end, once},
};
use crate::{
    backend::memcache::{
        entry::ServerRunId,
        job::{
            Claim, ClaimResult, Job, LeaseSelector,
            order::{ForeignWaiters, QueueHint, QueueHints, QueueOrder, read, write},
            run,
            view::PoolView,
        },
    },
    pool::LeaseId,
};

const SECOND: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(200);

/// A waiter that has waited for these seconds.
fn waiter(host: &str, seconds: u32) -> Claim {
    Claim { waited: seconds * SECOND, ..once(host) }
}

/// The order of a job with this number of waiters that knows no earlier hints.
fn order(waiters: usize) -> QueueOrder {
    ForeignWaiters::default().order(waiters, None, POLL, Instant::now())
}

/// Ends this lease, if there is one, and serves these waiters as far as possible.
fn serve(server: &mut TestServer, lease: Option<LeaseId>, waiters: Vec<Claim>) -> Job {
    let ends = lease.map(|id| end(LeaseSelector::Lease(id))).into_iter().collect();
    let mut job = Job { order: order(waiters.len()), ..server.job(ends, vec![], waiters) };
    run::run(&server.connections, &mut job).unwrap();
    server.view = job.view.clone();
    job
}

/// Reads the pool without writing anything.
fn read_pool(server: &mut TestServer) {
    server.view = PoolView::default();
    server.read_pool();
}

/// Two servers that know each other's waiters, and the lease that they wait for.
fn two_servers(memcached: &Memcached, here: &Claim, there: &Claim) -> (TestServer, TestServer, LeaseId) {
    let (mut one, mut other) = (TestServer::new(memcached, 1, 1), TestServer::new(memcached, 2, 1));
    let holder = once("holder");
    let id = holder.id;
    assert_eq!(one.claim(vec![holder]), [ClaimResult::Granted]);
    let copy = |claim: &Claim| Claim { requester: claim.requester.clone(), command: None, ..*claim };
    for _ in 0..2 {
        for (server, waiter) in [(&mut one, here), (&mut other, there)] {
            read_pool(server);
            assert_eq!(serve(server, None, vec![copy(waiter)]).claims[0].found, Some(ClaimResult::NoSlot));
        }
    }
    read_pool(&mut one);
    (one, other, id)
}

#[test]
fn a_slot_is_left_to_an_earlier_waiter_elsewhere() {
    let memcached = Memcached::start(&[]);
    let (ann, bob) = (waiter("ann", 4), waiter("bob", 5));
    let (mut one, mut other, id) = two_servers(&memcached, &ann, &bob);

    let job = serve(&mut one, Some(id), vec![ann]);
    assert_eq!((job.ends[0].had, job.claims[0].found), (Some(true), Some(ClaimResult::NoSlot)));
    assert_eq!(serve(&mut other, None, vec![bob]).claims[0].found, Some(ClaimResult::Granted));

    assert_eq!(other.view.hint_of(ServerRunId(2)), None, "it has no waiters");
}

#[test]
fn the_earliest_waiter_is_served_in_one_exchange() {
    for (ann, bob) in [(waiter("ann", 5), waiter("bob", 4)), (waiter("ann", 5), waiter("bob", 5))] {
        let memcached = Memcached::start(&[]);
        let (mut one, _, id) = two_servers(&memcached, &ann, &bob);
        let before = commands(&memcached);

        assert_eq!(serve(&mut one, Some(id), vec![ann]).claims[0].found, Some(ClaimResult::Granted));

        assert_eq!(commands(&memcached) - before, 5);
        assert_eq!(one.view.hint_of(ServerRunId(1)), None);
    }
}

#[test]
fn a_new_request_comes_after_all_waiters_elsewhere() {
    let memcached = Memcached::start(&[]);
    let [mut one, mut other, mut third] = [1, 2, 3].map(|server| TestServer::new(&memcached, server, 1));
    let holder = once("holder");
    let id = holder.id;
    assert_eq!(other.claim(vec![holder]), [ClaimResult::Granted]);
    read_pool(&mut third);
    read_pool(&mut one);
    serve(&mut one, None, vec![waiter("ann", 1)]);
    assert!(other.end(LeaseSelector::Lease(id)));

    assert_eq!(third.claim(vec![once("bob")]), [ClaimResult::NoSlot], "it took the slot before it saw ann");
    assert_eq!(third.view.taken_from(0), 0);
    assert_eq!(third.claim(vec![once("bob")]), [ClaimResult::NoSlot], "and now it knows");
    serve(&mut one, None, vec![]); // she left

    assert_eq!(third.claim(vec![once("bob")]), [ClaimResult::Granted]);
}

#[test]
fn no_slot_is_left_to_a_server_that_may_not_take_it() {
    let memcached = Memcached::start(&[]);
    let (ann, bob) = (waiter("ann", 4), waiter("bob", 5));
    let (mut one, _, _) = two_servers(&memcached, &ann, &bob);
    one.slots = 2; // the other server has one slot, which is held

    assert_eq!(serve(&mut one, None, vec![ann]).claims[0].found, Some(ClaimResult::Granted));
}

#[test]
fn a_hint_that_is_not_rewritten_is_of_a_dead_server() {
    let start = Instant::now();
    let hint = QueueHint { server: ServerRunId(2), version: 1, waited: SECOND, slots: 1 };
    let seen = |hint: QueueHint| PoolView {
        hints: Some(QueueHints { cas: 1, hints: vec![hint] }),
        ..PoolView::default()
    };
    let mut elsewhere = ForeignWaiters::default();
    let mut waited = |hint: QueueHint, seconds: u32| {
        let now = start + seconds * SECOND;
        let order = elsewhere.order(0, None, POLL, now);
        elsewhere.update(&order, &seen(hint), ServerRunId(1), now, now);
        elsewhere.order(0, None, POLL, now).seen[&(ServerRunId(2), hint.version)]
    };

    assert_eq!([0, 2, 3].map(|second| waited(hint, second)), [Some(SECOND), Some(3 * SECOND), None]);
    let rewritten = QueueHint { version: 2, waited: 5 * SECOND, ..hint };
    assert_eq!(waited(rewritten, 4), Some(5 * SECOND));
}

#[test]
fn hints_are_read_as_they_were_written() {
    let hint = |server| QueueHint { server: ServerRunId(server), version: 7, waited: 3 * SECOND, slots: 2 };
    let hints = vec![hint(1), hint(u64::MAX)];

    assert_eq!(read(write(&hints).as_bytes(), 9), QueueHints { cas: 9, hints });
    for other in ["", "1", "{}", "[{\"server\":\"x\"}]"] {
        assert_eq!(read(other.as_bytes(), 9).hints, [], "{other}");
    }
}
