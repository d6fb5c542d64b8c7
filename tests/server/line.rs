//! Who gets a slot, and in which order.

use std::collections::HashSet;

use crate::support::{Client, ONE_SLOT, Server};

#[test]
fn hundreds_of_waiters_are_served_in_the_order_in_which_they_came() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=host0&pool=pool1"), "YES");
    let waiters: Vec<_> = (1..=400).map(|n| server.waiting(&format!("host{n}"), "pool1")).collect();

    serve_in_order(server, waiters);
}

#[test]
fn five_thousand_waiters_are_granted_once_each_and_never_two_at_once() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=host0&pool=pool1"), "YES");
    let waiters: Vec<_> = (1..=5_000).map(|n| server.waiting(&format!("host{n}"), "pool1")).collect();

    serve_in_order(server, waiters);
}

/// Releases `host0`, then each waiter as soon as it has the slot; nobody else may have heard anything then.
fn serve_in_order(server: Server, mut waiters: Vec<Client>) {
    let mut releases = server.connect();
    for (n, waiter) in waiters.iter_mut().enumerate() {
        assert!(waiter.is_silent(), "two holders");
        assert_eq!(releases.ask(&format!("/release?host=host{n}&pool=pool1")).1, "OK");
        assert_eq!(waiter.answer(), (200, "YES".to_owned()));
    }
    assert_eq!(server.word("/get?host=other&pool=pool1"), "NO");
    // Who was served first may have been idle for so long that the server has closed its connection.
    drop(server);
    assert!(waiters.iter_mut().all(|waiter| waiter.rest().is_empty()), "somebody was answered twice");
}

#[test]
fn nobody_overtakes_the_line() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 2}]");
    for host in ["ann", "bob"] {
        assert_eq!(server.word(&format!("/get?host={host}&pool=pool1")), "YES");
    }
    let mut cid = server.waiting("cid", "pool1");
    let dan = server.waiting("dan", "pool1");

    server.word("/release?host=ann&pool=pool1");

    assert_eq!(cid.answer().1, "YES");
    assert!(dan.is_silent());
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "NO");
}

#[test]
fn all_parked_waits_of_a_host_are_answered_by_one_slot() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bobs: Vec<_> = (0..50).map(|_| server.waiting("bob", "pool1")).collect();
    let mut cid = server.waiting("cid", "pool1");

    server.word("/release?host=ann&pool=pool1");

    assert!(bobs.iter_mut().all(|bob| bob.answer().1 == "YES"));
    assert!(cid.is_silent());
    server.word("/release?host=bob&pool=pool1");
    assert_eq!(cid.answer().1, "YES");
}

#[test]
fn a_wait_of_a_host_that_holds_is_answered_at_once() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let _bob = server.waiting("bob", "pool1");

    assert_eq!(server.word("/wait?host=ann&pool=pool1"), "YES");
}

#[test]
fn each_of_several_leases_ends_at_its_own_time() {
    let server = Server::start(
        "pools: [{name: short, maxlocks: 2, expire: 0.5}, {name: long, maxlocks: 2, expire: 0}]",
    );
    for pool in ["short", "long"] {
        for host in ["ann", "bob"] {
            assert_eq!(server.word(&format!("/get?host={host}&pool={pool}")), "YES");
        }
    }
    let mut short = [server.waiting("cid", "short"), server.waiting("dan", "short")];
    let long = server.waiting("cid", "long");

    let words: HashSet<_> = short.iter_mut().map(|waiter| waiter.answer().1).collect();

    assert_eq!(words, HashSet::from(["YES".to_owned()]));
    assert!(long.is_silent());
}

#[test]
fn pools_do_not_touch_each_other() {
    let server = Server::start("pools: [{name: one}, {name: two}]");
    assert_eq!(server.word("/get?host=ann&pool=one"), "YES");
    let bob = server.waiting("bob", "one");

    assert_eq!(server.word("/get?host=bob&pool=two"), "YES");
    assert_eq!(server.word("/release?host=ann&pool=two"), "OK");
    server.round_trip();
    assert!(bob.is_silent());
}

#[test]
fn with_several_workers_a_pool_is_still_one_pool() {
    let server = Server::start_with(ONE_SLOT, |command| command.args(["--workers", "4"]));
    let mut clients: Vec<_> = (0..32).map(|_| server.connect()).collect();

    let words: Vec<_> = clients
        .iter_mut()
        .enumerate()
        .map(|(n, client)| client.ask(&format!("/get?host=host{n}&pool=pool1")).1)
        .collect();

    assert_eq!(words.iter().filter(|word| *word == "YES").count(), 1);
}
