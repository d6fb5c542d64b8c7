//! Asking twice is asking once.

use serde_json::json;

use super::{answer, call, held_by_ann, parked, release, state};
use crate::support::{ONE_SLOT, Server, eventually};

#[test]
fn an_owner_that_asks_again_gets_its_lease_again_and_renewed() {
    let server = Server::start(ONE_SLOT);
    let first = call(&server, "pool1/acquire", &json!({"host": "ann", "owner": "o", "ttl": 5}));

    let again = call(&server, "pool1/acquire", &json!({"host": "ann", "owner": "o", "ttl": 50, "wait": 5}));

    assert_eq!((first.status, again.status), (201, 200));
    for key in ["lease", "token", "store"] {
        assert_eq!(first.body[key], again.body[key], "{key}");
    }
    assert!(again.number("expires_in") > 49.0);
}

#[test]
fn an_ask_without_an_owner_is_always_a_new_one() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 2}]");
    let one = call(&server, "pool1/acquire", &json!({"host": "ann"}));
    let other = call(&server, "pool1/acquire", &json!({"host": "ann", "owner": null}));

    assert_ne!(one.granted(), other.granted());
}

#[test]
fn two_hosts_with_one_owners_name_are_two() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 2}]");
    let ann = call(&server, "pool1/acquire", &json!({"host": "ann", "owner": "o"}));
    let bob = call(&server, "pool1/acquire", &json!({"host": "bob", "owner": "o"}));
    assert_ne!(ann.granted(), bob.granted());

    assert_eq!(call(&server, "pool1/release", &json!({"host": "ann", "owner": "o"})).status, 204);

    assert_eq!(call(&server, "pool1/renew", &json!({"lease": bob.text("lease")})).status, 200);
}

#[test]
fn the_older_parked_request_ends_when_its_owner_asks_again() {
    let server = Server::start(ONE_SLOT);
    let lease = held_by_ann(&server);
    let ask = json!({"host": "bob", "owner": "o", "wait": 30});
    let mut older = parked(&server, &ask);
    let mut cid = parked(&server, &json!({"host": "cid", "wait": 30}));

    let mut newer = parked(&server, &ask);

    assert_eq!(answer(&mut older).refusal(), (409, "superseded"));
    release(&server, &lease);
    release(&server, answer(&mut newer).granted());
    answer(&mut cid).granted();
}

#[test]
fn who_asks_again_after_its_wait_keeps_its_place() {
    let server = Server::start(ONE_SLOT);
    held_by_ann(&server);
    let ask = json!({"host": "bob", "owner": "o", "wait": 0.1});
    let over = call(&server, "pool1/acquire", &ask);
    assert_eq!(over.refusal(), (423, "wait_timeout"));
    assert_eq!((over.number("position"), over.number("queue_length")), (1.0, 1.0));
    assert_eq!(over.body["holders"][0]["host"], "ann");
    let _cid = parked(&server, &json!({"host": "cid", "wait": 30}));

    let over = call(&server, "pool1/acquire", &ask);

    assert_eq!((over.number("position"), over.number("queue_length")), (1.0, 2.0));
    assert!(over.text("message").contains("you are 1st in the queue"), "{over:?}");
    let first = &state(&server)["queue"]["waiters"];
    let shown = |n: usize| (first[n]["host"].as_str().unwrap(), first[n]["present"].as_bool().unwrap());
    assert_eq!([shown(0), shown(1)], [("bob", false), ("cid", true)]);
    assert!(first[0]["ticket"].as_u64() < first[1]["ticket"].as_u64());
}

#[test]
fn a_try_takes_a_place_only_if_it_names_its_patience() {
    let server = Server::start(ONE_SLOT);
    held_by_ann(&server);
    let place = |ask| {
        let full = call(&server, "pool1/acquire", &ask);
        assert_eq!(full.refusal(), (423, "pool_full"));
        assert!(full.head.contains("\r\nretry-after: 1\r\n"), "{full:?}");
        (full.number("position"), full.number("queue_length"))
    };

    assert_eq!(place(json!({"host": "bob", "owner": "o"})), (1.0, 0.0));
    assert_eq!(place(json!({"host": "bob", "patience": 30})), (1.0, 0.0));
    assert_eq!(place(json!({"host": "bob", "owner": "o", "patience": 30})), (1.0, 1.0));
    assert_eq!(place(json!({"host": "cid", "owner": "o", "patience": 30})), (2.0, 2.0));
    assert_eq!(place(json!({"host": "bob", "owner": "o", "patience": 30})), (1.0, 2.0));
    assert_eq!(place(json!({"host": "dan"})), (3.0, 2.0));
}

#[test]
fn a_grant_between_two_asks_waits_and_its_ttl_starts_with_the_answer() {
    let server = Server::start(ONE_SLOT);
    let lease = held_by_ann(&server);
    let ask = json!({"host": "bob", "owner": "o", "patience": 30, "ttl": 7});
    call(&server, "pool1/acquire", &ask);

    release(&server, &lease);

    assert_eq!(state(&server)["holders"][0]["host"], "bob");
    assert_eq!(call(&server, "pool1/acquire", &json!({"host": "cid"})).refusal(), (423, "pool_full"));
    let granted = call(&server, "pool1/acquire", &ask);
    granted.granted();
    assert!(granted.number("expires_in") > 6.0 && granted.number("expires_in") <= 7.0, "{granted:?}");
}

#[test]
fn when_its_patience_is_over_the_grant_goes_to_the_next() {
    let server = Server::start(ONE_SLOT);
    let lease = held_by_ann(&server);
    let full = call(&server, "pool1/acquire", &json!({"host": "bob", "owner": "o", "patience": 0.3}));
    assert_eq!((full.number("position"), full.number("queue_length")), (1.0, 1.0));
    let mut cid = parked(&server, &json!({"host": "cid", "wait": 30}));

    release(&server, &lease);

    answer(&mut cid).granted();
    assert_eq!(call(&server, "pool1/acquire", &json!({"host": "bob", "owner": "o"})).status, 423);
}

#[test]
fn an_owner_gives_up_its_lease_or_its_place_by_name() {
    let server = Server::start(ONE_SLOT);
    held_by_ann(&server);
    let bob = json!({"host": "bob", "owner": "o"});
    let mut waiting = parked(&server, &json!({"host": "bob", "owner": "o", "wait": 30}));

    assert_eq!(call(&server, "pool1/release", &bob).status, 204);

    assert_eq!(answer(&mut waiting).refusal(), (409, "superseded"));
    assert_eq!(state(&server)["queue"]["length"], 0);
    assert_eq!(call(&server, "pool1/release", &bob).refusal(), (410, "lease_lost"));
    assert_eq!(call(&server, "pool1/release", &json!({"host": "ann", "owner": "o"})).status, 204);
    assert_eq!(state(&server)["held"], 0);
}

#[test]
fn a_cut_request_leaves_its_owners_place_and_no_other() {
    let server = Server::start(ONE_SLOT);
    let lease = held_by_ann(&server);
    let bob = parked(&server, &json!({"host": "bob", "owner": "o", "wait": 30}));
    let cid = parked(&server, &json!({"host": "cid", "wait": 30}));

    drop((bob, cid));

    eventually(|| state(&server)["queue"]["length"] == 1);
    assert_eq!(state(&server)["queue"]["waiters"][0]["host"], "bob");
    release(&server, &lease);
    call(&server, "pool1/acquire", &json!({"host": "bob", "owner": "o"})).granted();
}
