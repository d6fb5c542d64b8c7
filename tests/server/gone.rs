//! Clients that hang up: mid-line, and at the very moment of their grant.

use rustix::process::Signal;

use crate::support::{Client, ONE_SLOT, Server, eventually};

/// A way of hanging up; a client that can still read comes back.
type End = fn(Client) -> Option<Client>;

/// All of them.
const ENDS: [(&str, End); 4] = [
    ("closed", |client| {
        drop(client);
        None
    }),
    ("reset", |client| {
        client.reset();
        None
    }),
    ("half-closed", |client| {
        client.half_close();
        Some(client)
    }),
    ("closed behind more bytes", |mut client| {
        client.send("/get?host=nobody&pool=none");
        None
    }),
];

#[test]
fn a_waiter_that_hung_up_leaves_the_line_at_once() {
    for (how, end) in ENDS {
        let server = Server::start("pools: [{name: pool1, max_waiters: 2}]");
        assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
        let bob = server.waiting("bob", "pool1");
        let mut cid = server.waiting("cid", "pool1");

        let bob = end(bob);
        eventually(|| server.waiting("dan", "pool1").is_parked(&server)); // there is room for two

        server.word("/release?host=ann&pool=pool1");
        assert_eq!(cid.answer().1, "YES", "{how}");
        assert_eq!(bob.map(|mut bob| bob.rest()).unwrap_or_default(), "", "{how}");
    }
}

#[test]
fn a_waiter_that_hangs_up_at_the_moment_of_its_grant_does_not_keep_the_slot() {
    for (how, end) in ENDS {
        let server = Server::start(ONE_SLOT);
        let mut ann = server.connect();
        assert_eq!(ann.ask("/get?host=ann&pool=pool1").1, "YES");
        let bob = server.waiting("bob", "pool1");
        let mut cid = server.waiting("cid", "pool1");

        // All of this is there when the server looks again, the release first.
        server.freeze();
        ann.send("/release?host=ann&pool=pool1");
        server.has_bytes_of(ann.addr());
        let addr = bob.addr();
        let bob = end(bob);
        server.has_ends_of(&[addr]);
        server.signal(Signal::CONT);

        assert_eq!(ann.answer().1, "OK", "{how}");
        assert_eq!(cid.answer().1, "YES", "{how}");
        assert_eq!(server.word("/get?host=bob&pool=pool1"), "NO", "{how}");
        let rest = bob.map(|mut bob| bob.rest()).unwrap_or_default();
        assert!(!rest.contains("YES"), "{how}: {rest}");
    }
}

#[test]
fn a_get_whose_client_hung_up_does_not_keep_the_slot() {
    for (how, end) in ENDS {
        let server = Server::start(ONE_SLOT);
        let mut ann = server.connect();
        ann.ask("/nothing");

        server.freeze();
        ann.send("/get?host=ann&pool=pool1");
        let addr = ann.addr();
        server.has_bytes_of(addr);
        let _ann = end(ann);
        server.has_ends_of(&[addr]);
        server.signal(Signal::CONT);

        assert_eq!(server.word("/wait?host=bob&pool=pool1"), "YES", "{how}");
    }
}

#[test]
fn of_five_waits_of_one_host_the_first_may_hang_up_while_the_others_read_yes() {
    for (how, end) in ENDS {
        let server = Server::start(ONE_SLOT);
        let mut ann = server.connect();
        assert_eq!(ann.ask("/get?host=ann&pool=pool1").1, "YES");
        let first = server.waiting("bob", "pool1");
        let mut others: Vec<_> = (0..4).map(|_| server.waiting("bob", "pool1")).collect();
        let cid = server.waiting("cid", "pool1");

        server.freeze();
        ann.send("/release?host=ann&pool=pool1");
        server.has_bytes_of(ann.addr());
        let addr = first.addr();
        let _first = end(first);
        server.has_ends_of(&[addr]);
        server.signal(Signal::CONT);

        assert!(others.iter_mut().all(|other| other.answer().1 == "YES"), "{how}");
        server.round_trip();
        assert!(cid.is_silent(), "{how}");
        assert_eq!(server.word("/get?host=bob&pool=pool1"), "YES", "{how}");
    }
}

#[test]
fn hanging_up_after_the_answer_changes_nothing() {
    let server = Server::start(ONE_SLOT);
    let mut ann = server.connect();
    assert_eq!(ann.ask("/wait?host=ann&pool=pool1").1, "YES");

    ann.reset();
    server.round_trip();

    assert_eq!(server.word("/get?host=bob&pool=pool1"), "NO");
}

#[test]
fn sixty_slots_pass_over_sixty_clients_that_just_hung_up() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 60}]");
    let mut releases = server.connect();
    for n in 0..60 {
        assert_eq!(releases.ask(&format!("/get?host=old{n}&pool=pool1")).1, "YES");
    }
    let leaving: Vec<_> = (0..60).map(|n| server.waiting(&format!("leaving{n}"), "pool1")).collect();
    let mut staying: Vec<_> = (0..60).map(|n| server.waiting(&format!("staying{n}"), "pool1")).collect();

    server.freeze();
    for n in 0..60 {
        releases.send(&format!("/release?host=old{n}&pool=pool1"));
    }
    server.has_bytes_of(releases.addr());
    let addrs: Vec<_> = leaving.iter().map(Client::addr).collect();
    drop(leaving);
    server.has_ends_of(&addrs);
    server.signal(Signal::CONT);

    assert!(staying.iter_mut().all(|client| client.answer().1 == "YES"));
    assert_eq!(server.word("/get?host=other&pool=pool1"), "NO");
}
