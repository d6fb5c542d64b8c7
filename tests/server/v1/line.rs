//! The line: who waits, and for how long.

use std::{net::SocketAddr, process::Command};

use serde_json::{Value, json};

use super::{answer, call, held_by_ann, look, parked, release, state};
use crate::support::{ONE_SLOT, Server};

#[test]
fn five_parked_asks_are_served_in_their_order() {
    let server = Server::start(ONE_SLOT);
    let mut lease = held_by_ann(&server);
    let mut parked: Vec<_> =
        (0..5).map(|n| parked(&server, &json!({"host": format!("host{n}"), "wait": 30}))).collect();
    assert_eq!(state(&server)["queue"]["length"], 5);

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
    let server = Server::start("max_wait: 1\npools: [{name: pool1}]");
    held_by_ann(&server);

    for wait in [0.05, 1e300] {
        let over = call(&server, "pool1/acquire", &json!({"host": "bob", "wait": wait}));
        assert_eq!(over.refusal(), (423, "wait_timeout"));
    }
    assert_eq!(state(&server)["queue"]["length"], 0);
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
    assert_eq!((full.number("position"), full.number("queue_length")), (102.0, 101.0));
    let wanted = "all 101 slots of pool1 are held; you would be 102nd in the queue";
    assert!(full.text("message").starts_with(wanted), "{full:?}");
    let state = state(&server);
    assert_eq!((&state["held"], &state["queue"]["length"]), (&json!(101), &json!(101)));
    assert_eq!(state["queue"]["waiters"].as_array().unwrap().len(), 100);
    let rest = look(&server, &format!("/v1/pools/pool1?after={}", state["next"].as_str().unwrap())).body;
    assert_eq!((&rest["holders"][0]["host"], &rest["holders"][1]), (&json!("host100"), &json!(null)));
    assert_eq!(
        (&rest["queue"]["waiters"][0]["host"], &rest["queue"]["waiters"][1]),
        (&json!("host100"), &json!(null))
    );
    assert_eq!((&rest["held"], &rest["next"]), (&json!(101), &json!(null)));
    assert_eq!(look(&server, "/v1/pools/pool1?after=x").refusal(), (400, "bad_request"));
}

#[test]
fn all_pools_are_told_in_pages_and_the_client_reads_them_all() {
    let pools: Vec<_> = (0..1_100).map(|n| format!("{{name: \"p &{n}\", maxlocks: 150}}")).collect();
    let server = Server::start(&format!("pools: [{}]", pools.join(", ")));
    let mut client = server.connect();
    for n in 0..150 {
        super::call_on(&mut client, "p%20&1099/acquire", &json!({"host": format!("host{n}")})).granted();
    }

    let first = look(&server, "/v1/pools").body;
    let second = look(&server, "/v1/pools?after=p+%26999").body;
    let all = distributexctl(&["status", "--json"], server.addr);
    let one = distributexctl(&["status", "--json", "p &1099"], server.addr);
    let table = distributexctl(&["status"], server.addr);

    let length = |told: &Value| told["pools"].as_array().unwrap().len();
    assert_eq!((length(&first), &first["next"]), (1_000, &json!("p &999")));
    assert_eq!((length(&second), &second["next"]), (100, &json!(null)));
    assert_eq!(length(&serde_json::from_str(&all).unwrap()), 1_100);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["holders"].as_array().unwrap().len(), 150);
    assert!(table.contains(" and 50 more"), "{table}");
    assert_eq!(look(&server, "/v1/pools?after=none").refusal(), (400, "bad_request"));
}

/// What the operator's tool says.
fn distributexctl(args: &[&str], server: SocketAddr) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
    let output = command.args(args).args(["-H", &server.to_string()]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
