//! The line: who waits, and for how long.

use serde_json::json;

use super::{answer, call, held_by_ann, parked, release, state};
use crate::support::{ONE_SLOT, Server};

#[test]
fn five_parked_asks_are_served_in_their_order() {
    let server = Server::start(ONE_SLOT);
    let mut lease = held_by_ann(&server);
    let mut parked: Vec<_> =
        (0..5).map(|n| parked(&server, &json!({"host": format!("host{n}"), "wait": 30}))).collect();
    assert_eq!(state(&server)["line"]["length"], 5);

    for n in 0..5 {
        assert!(parked[n..].iter().all(|client| client.is_silent()));
        release(&server, &lease);
        let granted = answer(&mut parked[n]);
        assert_eq!(granted.text("host"), format!("host{n}"));
        granted.granted().clone_into(&mut lease);
    }
}

#[test]
fn a_wait_ends_in_time_and_an_endless_one_is_shortened() {
    let server = Server::start("longest_wait: 1\npools: [{name: pool1}]");
    held_by_ann(&server);

    for wait in [0.05, 1e300] {
        let over = call(&server, "pool1/acquire", &json!({"host": "bob", "wait": wait}));
        assert_eq!(over.refusal(), (423, "wait_over"));
    }
    assert_eq!(state(&server)["line"]["length"], 0);
}

#[test]
fn a_hundred_of_the_holders_and_of_the_line_are_told() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 101}]");
    let mut client = server.connect();
    for n in 0..101 {
        super::call_on(&mut client, "pool1/acquire", &json!({"host": format!("host{n}")})).granted();
    }
    for n in 0..101 {
        let ask = json!({"host": format!("host{n}"), "owner": "o", "patience": 60});
        super::call_on(&mut client, "pool1/acquire", &ask);
    }

    let full = call(&server, "pool1/acquire", &json!({"host": "bob"}));

    assert_eq!(full.body["holders"].as_array().unwrap().len(), 100);
    assert_eq!((full.number("place"), full.number("line")), (102.0, 101.0));
    let wanted = "all 101 slots of pool1 are held; you would be 102nd in line";
    assert!(full.text("message").starts_with(wanted), "{full:?}");
    let state = state(&server);
    assert_eq!((&state["held"], &state["line"]["length"]), (&json!(101), &json!(101)));
    assert_eq!(state["line"]["first"].as_array().unwrap().len(), 100);
}
