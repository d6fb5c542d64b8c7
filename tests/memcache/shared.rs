//! Two servers and one memcached: what one of them gave, the other one knows.

use std::time::Duration;

use serde_json::{Value, json};

use super::{memcached::Memcached, pass};
use crate::member::Member;
use crate::wrapper::run::eventually;

/// A pool whose leases last.
const LASTING: &str = "pools: [{name: p, expire: 300}]";

/// Two servers.
struct Two {
    one: Member,
    other: Member,
    memcached: Memcached,
}

impl Two {
    fn start(yaml: &str) -> Self {
        let memcached = Memcached::start();
        let start = || Member::start(memcached.addr(), yaml);
        Self { one: start(), other: start(), memcached }
    }
}

/// What a host is told by the classic protocol.
fn word(member: &Member, call: &str, host: &str) -> String {
    let (status, word) = member.ask(call, host);
    assert_eq!(status, 200, "{word}");
    word
}

/// What an owner asks for.
fn ask(host: &str, owner: &str) -> Value {
    json!({"host": host, "owner": owner})
}

#[test]
fn a_slot_that_one_gave_is_not_given_by_the_other_until_it_is_released_there() {
    let two = Two::start(LASTING);

    assert_eq!(word(&two.one, "get", "ann"), "YES");
    assert_eq!(word(&two.other, "get", "bob"), "NO");
    assert_eq!(word(&two.other, "get", "ann"), "YES");
    assert_eq!(word(&two.other, "release", "bob"), "OK");
    assert_eq!(word(&two.other, "get", "bob"), "NO");
    assert_eq!(word(&two.other, "release", "ann"), "OK");
    assert_eq!(word(&two.other, "get", "bob"), "YES");
    assert_eq!(word(&two.one, "get", "ann"), "NO");
}

#[test]
fn a_lease_is_renewed_seen_and_released_through_the_other() {
    let two = Two::start(LASTING);
    let lease = two.one.gives("ann", "o");
    let holder = format!("/v1/pools/p/holders/{}", lease["token"]);

    assert_eq!(two.other.renew(&lease).0, 200);
    assert_eq!(two.one.renew(&lease).0, 200);
    for member in [&two.one, &two.other] {
        eventually("it is seen", || member.look(&holder).0 == 200);
        let (_, state) = member.look("/v1/pools/p");
        assert_eq!(state["held"], 1, "{state}");
        assert_eq!(state["holders"][0]["host"], "ann", "{state}");
        assert_eq!(state["holders"][0]["token"], lease["token"], "{state}");
    }
    assert_eq!(two.other.release(&lease).0, 204);

    assert_eq!(two.other.release(&lease), (410, "lease_lost".into()));
    assert_eq!(two.one.renew(&lease), (410, "lease_lost".into()));
    for member in [&two.one, &two.other] {
        eventually("it is not seen", || member.look(&holder).0 == 404);
    }
}

#[test]
fn what_an_owner_has_of_one_is_ended_by_the_other_and_nobody_elses_is() {
    let two = Two::start("pools: [{name: p, expire: 300, maxlocks: 2}]");
    let (lease, others) = (two.one.gives("ann", "o"), two.one.gives("ann", "other"));
    assert_eq!(word(&two.other, "release", "ann"), "OK"); // not hers: the classic ann has nothing

    assert_eq!(two.other.call("release", &ask("ann", "o")).0, 204);

    assert_eq!(two.one.renew(&lease).0, 410);
    assert_eq!(two.one.renew(&others).0, 200);
    assert_eq!(two.other.call("release", &ask("ann", "o")).0, 410);
}

#[test]
fn an_owner_that_asks_both_has_one_lease() {
    let two = Two::start("pools: [{name: p, expire: 300, maxlocks: 2}]");
    let lease = two.one.gives("ann", "o");

    let (status, same) = two.other.call("acquire", &ask("ann", "o"));

    assert_eq!(status, 200, "{same}");
    for key in ["lease", "token", "store", "host", "pool"] {
        assert_eq!(same[key], lease[key], "{key}");
    }
    let another = two.other.gives("ann", "another");
    assert!(another["token"].as_u64() > lease["token"].as_u64());
    assert_eq!(another["store"], lease["store"]);
}

#[test]
fn a_slot_that_is_released_at_one_goes_to_who_waits_at_the_other() {
    let two = Two::start(LASTING);
    assert_eq!(word(&two.one, "get", "ann"), "YES");
    let mut bob = two.other.server().waiting("bob", "p");
    let mut cid = two.other.server().waiting("cid", "p");

    assert_eq!(word(&two.one, "release", "ann"), "OK");
    assert_eq!(bob.answer(), (200, "YES".into()));
    assert!(cid.is_parked(two.other.server()));
    assert_eq!(word(&two.one, "release", "bob"), "OK");

    assert_eq!(cid.answer(), (200, "YES".into()));
    assert_eq!(word(&two.one, "get", "bob"), "NO");
}

#[test]
fn a_host_that_waits_at_one_and_gets_the_slot_of_the_other_is_told_by_both() {
    let two = Two::start(LASTING);
    assert_eq!(word(&two.one, "get", "ann"), "YES");
    let mut bob = two.other.server().waiting("bob", "p");
    let mut bob_too = two.one.server().waiting("bob", "p");

    assert_eq!(word(&two.one, "release", "ann"), "OK");

    assert_eq!(bob.answer(), (200, "YES".into()));
    assert_eq!(bob_too.answer(), (200, "YES".into()));
    assert_eq!(word(&two.other, "release", "bob"), "OK");
    assert_eq!(word(&two.one, "get", "cid"), "YES", "it was one slot");
}

#[test]
fn a_lease_that_a_waiter_is_told_of_is_not_taken_back_elsewhere() {
    let two = Two::start(LASTING);
    let lease = two.one.gives("ann", "o");
    let mut bob = two.other.server().waiting("bob", "p"); // so that cid is not the first in this queue
    two.other.line_is(1);
    let patient = json!({"host": "cid", "owner": "o", "patience": 1, "wait": 0});
    assert_eq!(two.one.call("acquire", &patient).0, 423);
    let mut cid = two.other.server().connect();
    let parked = json!({"host": "cid", "owner": "o", "patience": 1, "wait": 60});
    cid.post("/v1/pools/p/acquire", &parked.to_string());
    two.other.line_is(2);

    assert_eq!(two.one.release(&lease).0, 204); // the first server grants to cid, who is not connected there
    let (status, body) = cid.answer();
    pass(Duration::from_secs(2)); // so that the first server would take it back

    assert_eq!(status, 200, "{body}");
    let lease: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(two.other.renew(&lease).0, 200);
    assert!(bob.is_parked(two.other.server()));
    assert_eq!(two.one.release(&lease).0, 204);
    assert_eq!(bob.answer(), (200, "YES".into()));
}

#[test]
fn leases_outlive_the_servers_that_gave_them() {
    let mut two = Two::start("pools: [{name: p, expire: 300, maxlocks: 2}]");
    let lease = two.one.gives("ann", "o");
    assert_eq!(word(&two.other, "get", "bob"), "YES");

    two.one.is_killed();
    two.other.is_killed();
    two.one.comes();
    two.other.comes();

    assert_eq!(word(&two.one, "get", "cid"), "NO");
    assert_eq!(word(&two.one, "get", "bob"), "YES");
    let (status, same) = two.other.call("acquire", &ask("ann", "o"));
    assert_eq!((status, &same["lease"], &same["token"]), (200, &lease["lease"], &lease["token"]));
    assert_eq!(two.other.release(&lease).0, 204);
    let next = two.one.gives("cid", "o");
    assert!(next["token"].as_u64() > lease["token"].as_u64());
    assert_eq!(next["store"], lease["store"]);
}

#[test]
fn a_lease_whose_servers_are_dead_ends_by_itself_and_not_before_its_time() {
    let mut two = Two::start("pools: [{name: p, expire: 3}]");
    let asked = tokio::time::Instant::now();
    let patient = json!({"host": "ann", "owner": "o", "patience": 60}); // that is for who has not heard of it
    assert_eq!(two.one.call("acquire", &patient).0, 201);
    two.one.is_killed();
    let mut bob = two.other.server().waiting("bob", "p");

    assert_eq!(bob.answer(), (200, "YES".into()));
    assert!(asked.elapsed().as_secs_f64() >= 3.0, "{:?}", asked.elapsed());
}

#[test]
fn when_there_are_fewer_slots_than_holders_nothing_is_given_until_enough_are_back() {
    let mut two = Two::start("pools: [{name: p, expire: 300, maxlocks: 3}]");
    for host in ["ann", "bob", "cid"] {
        assert_eq!(word(&two.one, "get", host), "YES");
    }
    for member in [&mut two.one, &mut two.other] {
        member.is_restarted_with(two.memcached.addr(), LASTING);
    }
    let mut dan = two.other.server().waiting("dan", "p");

    for host in ["ann", "bob"] {
        assert_eq!(word(&two.one, "release", host), "OK");
        assert_eq!(word(&two.one, "get", "eve"), "NO");
        assert!(dan.is_parked(two.other.server()));
    }
    assert_eq!(word(&two.one, "release", "cid"), "OK");

    assert_eq!(dan.answer(), (200, "YES".into()));
    assert_eq!(word(&two.one, "get", "eve"), "NO");
}
