//! Both protocols on one pool.

use serde_json::json;

use super::{answer, call, parked, release, state};
use crate::support::{ONE_SLOT, Server};

#[test]
fn one_host_in_both_protocols_is_two_holders_and_a_classic_release_ends_only_its_own() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 2}]");
    let lease = call(&server, "pool1/acquire", &json!({"host": "me", "owner": "o"}));
    assert_eq!(server.word("/release?host=me&pool=pool1"), "OK");
    assert_eq!(state(&server)["held"], 1);

    assert_eq!(server.word("/get?host=me&pool=pool1"), "YES");
    assert_eq!(state(&server)["held"], 2);
    assert_eq!(server.word("/release?host=me&pool=pool1"), "OK");

    let state = state(&server);
    assert_eq!((&state["held"], &state["holders"][0]["token"]), (&json!(1), &lease.body["token"]));
    assert_eq!(call(&server, "pool1/renew", &json!({"lease": lease.granted()})).status, 200);
}

#[test]
fn both_stand_in_one_line() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = parked(&server, &json!({"host": "bob", "wait": 30}));
    let mut cid = server.waiting("cid", "pool1");
    let mut dan = parked(&server, &json!({"host": "dan", "wait": 30}));

    server.word("/release?host=ann&pool=pool1");
    let granted = answer(&mut bob);
    assert!(cid.is_silent() && dan.is_silent());
    release(&server, granted.granted());
    assert_eq!(cid.answer().1, "YES");
    assert_eq!(server.word("/get?host=bob&pool=pool1"), "NO");
    server.word("/release?host=cid&pool=pool1");
    answer(&mut dan).granted();
}
