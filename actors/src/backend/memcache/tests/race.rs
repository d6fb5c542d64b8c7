//! Races of several servers, with lost replies and a frozen memcached.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

use super::testing::{LossyProxy, Memcached, TIMEOUT, TestServer, end, host, once, owner};
use crate::backend::memcache::job::{Claim, ClaimResult, LeaseSelector};

/// Repeats a claim until its outcome is known.
fn settled(server: &mut TestServer, mut claim: Claim) -> ClaimResult {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let (mut job, _) = server.run(vec![], vec![], vec![claim]);
        claim = job.claims.remove(0);
        if let Some(found) = claim.found {
            return found;
        }
        assert!(Instant::now() < deadline, "never settled");
    }
}

/// Ends a lease that is certainly held.
fn ended(server: &mut TestServer, what: &LeaseSelector) {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let (job, _) = server.run(vec![end(what.clone())], vec![], vec![]);
        match job.ends[0].had {
            Some(had) => return assert!(had, "it was held"),
            None => assert!(Instant::now() < deadline, "never ended"),
        }
    }
}

/// What the servers share.
#[derive(Debug, Default)]
struct History {
    held: AtomicUsize,
    tokens: Mutex<Vec<u64>>,
}

/// Four servers grant `slots` slots `grants` times to requesters made by `request`.
fn race(slots: usize, grants: usize, max: usize, request: fn(u64) -> Claim) -> Vec<u64> {
    let (memcached, history) = (Memcached::start(&[]), Arc::new(History::default()));
    let servers: Vec<_> = (1..=4)
        .map(|index| {
            let (mut server, history) = (TestServer::new(&memcached, index, slots), Arc::clone(&history));
            thread::spawn(move || {
                while history.tokens.lock().unwrap().len() < grants {
                    let claim = request(index);
                    let id = claim.id;
                    if settled(&mut server, claim) != ClaimResult::Granted {
                        continue;
                    }
                    assert!(history.held.fetch_add(1, Ordering::SeqCst) < max, "too many at once");
                    history.tokens.lock().unwrap().push(server.token(id));
                    history.held.fetch_sub(1, Ordering::SeqCst);
                    ended(&mut server, &LeaseSelector::Lease(id));
                }
            })
        })
        .collect();
    for server in servers {
        server.join().unwrap();
    }
    assert_eq!(TestServer::new(&memcached, 9, slots).read_pool().taken_from(0), 0, "no slot is held");
    std::mem::take(&mut history.tokens.lock().unwrap())
}

#[test]
fn of_racing_servers_one_gets_the_slot_and_tokens_rise() {
    let tokens = race(1, 300, 1, |_| once("ann"));

    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
}

#[test]
fn racing_servers_never_grant_a_fourth_of_three_slots() {
    let mut tokens = race(3, 300, 3, |server| host(&format!("web{server}")));

    tokens.sort_unstable();
    assert!(tokens.is_sorted_by(|one, next| one < next), "no token twice");
}

#[test]
fn a_host_that_requests_at_all_servers_gets_one_slot() {
    race(3, 300, 1, |_| host("web1"));
}

#[test]
fn an_owner_that_requests_at_all_servers_gets_one_slot() {
    race(3, 300, 1, |_| owner("web1", "ann"));
}

#[test]
fn a_slot_taken_without_a_reply_is_taken_again() {
    let memcached = Memcached::start(&[]);
    let proxy = LossyProxy::start(memcached.port);
    let mut server = TestServer::at(proxy.server(), 1, 2);
    server.read_pool();

    proxy.lose(1);
    assert_eq!(server.claim(vec![once("ann")]), [ClaimResult::Granted], "through another connection");
    proxy.lose(2);
    let (mut job, result) = server.run(vec![], vec![], vec![once("bob")]);
    assert!(result.is_err());
    assert_eq!(job.claims[0].found, None);
    let id = job.claims[0].id;
    assert_eq!(server.claim(vec![job.claims.remove(0)]), [ClaimResult::Granted], "in the next job");

    assert_eq!(server.view.taken_from(0), 2);
    proxy.lose(1);
    assert!(server.end(LeaseSelector::Lease(id)), "it was ended, though there was no reply");
    assert!(!server.end(LeaseSelector::Lease(id)));
}

#[test]
fn a_frozen_memcached_is_an_error_in_bounded_time() {
    let memcached = Memcached::start(&[]);
    let timeout = Duration::from_millis(300);
    let mut server = TestServer::with_timeout(memcached.server(), 1, 1, timeout);
    let ann = once("ann");
    let deadline = Instant::now() + TIMEOUT;
    while server.run(vec![], vec![], vec![]).1.is_err() {
        assert!(Instant::now() < deadline);
    }

    memcached.freeze();
    let (mut job, result) = server.run(vec![], vec![], vec![ann]);
    let why = format!("{:?}", result.unwrap_err());
    let (_, again) = server.run(vec![], vec![], vec![]);
    memcached.thaw();

    assert!(why.contains("no answer in time") && again.is_err(), "{why}");
    assert_eq!(job.claims[0].found, None);
    assert_eq!(settled(&mut server, job.claims.remove(0)), ClaimResult::Granted);
    assert_eq!(server.view.taken_from(0), 1);
}
