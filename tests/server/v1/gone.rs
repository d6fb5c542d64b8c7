//! Clients that hang up at the very moment of their grant.

use rustix::process::Signal;
use serde_json::json;

use super::{answer, call, parked, state};
use crate::support::{ONE_SLOT, Server, post};

/// `ann` releases while `bob`, who asked so, hangs up: the server sees both at once, the release first.
fn hangs_up_at_its_grant(server: &Server, bob: &serde_json::Value) -> crate::support::Client {
    let mut ann = server.connect();
    assert_eq!(ann.ask("/get?host=ann&pool=pool1").1, "YES");
    let bob = parked(server, bob);
    let cid = parked(server, &json!({"host": "cid", "wait": 30}));

    server.freeze();
    ann.send("/release?host=ann&pool=pool1");
    server.has_bytes_of(ann.addr());
    let addr = bob.addr();
    drop(bob);
    server.has_ends_of(&[addr]);
    server.signal(Signal::CONT);

    assert_eq!(ann.answer().1, "OK");
    cid
}

#[test]
fn the_slot_of_an_ask_without_an_owner_goes_to_the_next() {
    let server = Server::start(ONE_SLOT);

    let mut cid = hangs_up_at_its_grant(&server, &json!({"host": "bob", "wait": 30}));

    answer(&mut cid).granted();
}

#[test]
fn the_slot_of_an_owner_waits_for_it() {
    let server = Server::start(ONE_SLOT);
    let ask = json!({"host": "bob", "owner": "o", "wait": 30, "patience": 60});

    let cid = hangs_up_at_its_grant(&server, &ask);

    assert_eq!(state(&server)["holders"][0]["host"], "bob");
    call(&server, "pool1/acquire", &ask).granted();
    assert!(cid.is_silent());
}

#[test]
fn megabytes_behind_a_parked_acquire_end_the_connection() {
    let server = Server::start(ONE_SLOT);
    super::held_by_ann(&server);
    let mut bob = parked(&server, &json!({"host": "bob", "wait": 30}));

    bob.send_raw(&post("/v1/pools/pool1/acquire", r#"{"host":"bob"}"#).repeat(100));

    assert_eq!(bob.rest(), "");
}
