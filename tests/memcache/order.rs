//! Several servers at which somebody waits: slots go to those who came first, wherever they wait.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

use super::{memcached::Memcached, pass};
use crate::member::Member;
use crate::wrapper::run::eventually;

/// A pool whose leases last.
const LASTING: &str = "pools: [{name: p, expire: 300}]";
/// So long after the one before it comes every waiter.
const SPACING: Duration = Duration::from_millis(250);
/// Waiters whose arrivals are further apart are never served the wrong way round. Servers look every 0.2 s, give or
/// take a fifth; a busy machine takes longer.
const TOLERANCE: Duration = Duration::from_millis(1500);
/// How many wait.
const WAITERS: usize = 12;
/// Where it stands at which servers somebody waits.
const HINTS: &str = "distributex:p:waiting";

/// So many servers of one memcached.
fn servers(number: usize, memcached: &Memcached, yaml: &str) -> Vec<Member> {
    (0..number).map(|_| Member::start(memcached.addr(), yaml)).collect()
}

/// Lets hosts come one after the other, each to another server than the one before, and releases every slot as soon
/// as it is given. Returns when they came, in the order in which they were served.
fn served(members: &[Member]) -> Vec<Instant> {
    assert_eq!(members[0].ask("get", "holder").1, "YES");
    let served = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..WAITERS {
            let (member, served, host) = (&members[number % members.len()], &served, format!("web{number}"));
            let (came, mut waiter) = (Instant::now(), member.server().waiting(&host, "p"));
            scope.spawn(move || {
                assert_eq!(waiter.answer(), (200, "YES".into()));
                served.lock().unwrap().push(came);
                assert_eq!(member.ask("release", &host).1, "OK");
            });
            pass(SPACING);
        }
        assert_eq!(members[0].ask("release", "holder").1, "OK");
    });
    served.into_inner().unwrap()
}

#[test]
fn who_waits_is_served_in_the_order_of_arrival_at_two_and_three_servers() {
    for number in [2, 3] {
        let memcached = Memcached::start();

        let served = served(&servers(number, &memcached, LASTING));

        assert_eq!(served.len(), WAITERS);
        for (place, first) in served.iter().enumerate() {
            let overtaken = served[place..].iter().map(|later| first.saturating_duration_since(*later)).max();
            assert!(overtaken < Some(TOLERANCE), "{number} servers: {served:?}");
        }
    }
}

#[test]
fn a_server_where_somebody_always_waits_lets_go_for_one_elsewhere() {
    let memcached = Memcached::start();
    let members = servers(2, &memcached, LASTING);
    let (busy, is_over) = (&members[0], AtomicBool::new(false));

    thread::scope(|scope| {
        for host in ["ann", "bob", "cid", "dan"] {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(busy.ask("wait", host).1, "YES");
                    assert_eq!(busy.ask("release", host).1, "OK");
                }
            });
        }
        let eve = scope.spawn(|| members[1].server().waiting("eve", "p").answer()).join();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(eve.unwrap(), (200, "YES".into()));
        assert_eq!(members[1].ask("release", "eve").1, "OK");
    });
}

#[test]
fn who_has_just_come_gets_no_slot_before_who_waits_elsewhere() {
    let memcached = Memcached::start();
    let yaml = format!("memcache: {{poll: 1, timeout: 20}}\n{LASTING}"); // so that the slot is free for a while
    let members = servers(2, &memcached, &yaml);
    assert_eq!(members[0].ask("get", "ann").1, "YES");
    let mut bob = members[1].server().waiting("bob", "p");
    eventually("it is known that somebody waits", || memcached.text().has(HINTS));

    assert_eq!(members[0].ask("release", "ann").1, "OK");

    for _ in 0..20 {
        assert_eq!(members[0].ask("get", "cid").1, "NO");
    }
    assert_eq!(bob.answer(), (200, "YES".into()));
    assert_eq!(members[1].ask("release", "bob").1, "OK");
    eventually("nobody waits any more", || members[0].ask("get", "cid").1 == "YES");
}

#[test]
fn waiters_of_a_dead_server_hold_up_others_for_a_moment_only() {
    let memcached = Memcached::start();
    let mut members = servers(3, &memcached, LASTING);
    assert_eq!(members[0].ask("get", "ann").1, "YES");
    let _gone = members[1].server().waiting("bob", "p");
    eventually("it is known that somebody waits", || memcached.text().has(HINTS));
    let mut cid = members[0].server().waiting("cid", "p");
    let mut dan = members[0].server().waiting("dan", "p");

    members[1].is_killed();
    assert_eq!(members[0].ask("release", "ann").1, "OK");

    assert_eq!(cid.answer(), (200, "YES".into()));
    assert_eq!(members[0].ask("release", "cid").1, "OK");
    assert_eq!(dan.answer(), (200, "YES".into()));
    assert_eq!(members[0].ask("release", "dan").1, "OK");
    eventually("who has just come gets it", || members[2].ask("get", "eve").1 == "YES");
}
