//! `distributexctl why`: explanations in sentences.

use super::{ONE_SLOT, acquired, ctl};
use crate::{support::Server, wrapper::run::ended};

fn why(server: &Server) -> String {
    let (code, told, said) = ended(ctl(server.addr).args(["why", "p"]));
    assert_eq!((code, said.as_str()), (0, ""));
    told
}

#[test]
fn a_free_slot_is_for_the_next_request() {
    let server = Server::start(ONE_SLOT);

    assert_eq!(why(&server), "The slot of p is free.\nA slot is free: the next request gets it.\n");
}

#[test]
fn the_holder_is_named_with_its_note() {
    let server = Server::start(ONE_SLOT);
    let note = ["--command-note", "rollout 17", "--host", "web7", "--ttl", "100"];
    let (_, id, _) = ended(ctl(server.addr).args(["acquire", "p"]).args(note));

    let told = why(&server);

    assert!(told.starts_with("The slot of p is held:\n  web7 (rollout 17) has had it for "), "{told}");
    assert!(told.contains("UTC; its lease expires at "), "{told}");
    assert!(told.ends_with(" s unless renewed or released before; then the next request gets the slot.\n"));
    assert!(!told.contains(id.trim_end()), "the lease id is a secret");
}

#[test]
fn waiters_and_the_next_one_are_named() {
    let server = Server::start("pools: [{name: p, expire: 0}]");
    acquired(&server, "web7");
    let _waiters = ["web9", "web8"].map(|host| server.waiting(host, "p"));

    let told = why(&server);

    assert!(told.contains("its lease does not expire"), "{told}");
    assert!(told.contains("\n2 hosts wait, first in, first out:\n  1st: web9, for "), "{told}");
    assert!(told.contains("\n  2nd: web8, for "), "{told}");
    assert!(told.contains("\nNo lease expires: one must be released; then web9, waiting for "));
}

#[test]
fn a_waiter_between_two_requests_is_marked() {
    let server = Server::start(ONE_SLOT);
    acquired(&server, "web7");
    let body = r#"{"host": "web9", "owner": "o", "patience": 60}"#;
    let mut client = server.connect();
    client.send_raw(&format!(
        "POST /v1/pools/p/acquire HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(client.answer().0, 423);

    let told = why(&server);

    assert!(
        told.contains("1st: web9, for ") && told.contains(", reconnecting; its position is kept"),
        "{told}"
    );
    assert!(told.ends_with("gets the slot if it reconnects in time.\n"), "{told}");
}
