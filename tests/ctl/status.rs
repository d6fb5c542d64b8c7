//! How it stands, as a table and as JSON.

use std::{io, process::Stdio};

use serde_json::{Value, json};

use super::{ONE_SLOT, acquired, ctl, state};
use crate::{fake::Fake, support::Server, wrapper::run::ended};

/// The words of a line.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn all_pools_are_shown_with_who_holds_them() {
    let server =
        Server::start("pools: [{name: idle}, {name: p, expire: 300, maxlocks: 2}, {name: q, expire: 0}]");
    let note = ["--command-note", "rollout 17", "--host", "web7", "--ttl", "90"];
    let (code, id, _) = ended(ctl(server.addr).args(["acquire", "p"]).args(note));
    assert_eq!(code, 0);
    acquired(&server, "web8");
    server.get("/get?host=db1&pool=q");
    let token = state(&server)["holders"][0]["token"].to_string();

    let (code, table, said) = ended(ctl(server.addr).arg("status"));

    assert_eq!((code, said.as_str()), (0, ""));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(words(lines[0])[..5], ["POOL", "SLOTS", "HELD", "WAITING", "HOLDER"]);
    assert_eq!(words(lines[1]), ["idle", "1", "0", "0"]);
    let web7 = words(lines[2]);
    assert_eq!(web7[..6], ["p", "2", "2", "0", "web7", &token]);
    assert_eq!(web7[web7.len() - 3..], ["s", "rollout", "17"], "it expires in less than two minutes");
    assert_eq!(words(lines[3])[0], "web8", "the second holder has no pool beside it");
    let db1 = words(lines[4]);
    assert_eq!((db1[4], db1.last(), lines.len()), ("db1", Some(&"never"), 5));
    assert!(!table.contains(id.trim_end()), "the lease id is a secret");
}

#[test]
fn one_pool_is_shown_with_its_line() {
    let server = Server::start(ONE_SLOT);
    assert!(ended(ctl(server.addr).args(["status", "p"])).1.ends_with("\nNo host waits.\n"));
    acquired(&server, "web7");
    let _waiters = ["web9", "web8"].map(|host| server.waiting(host, "p"));

    let (code, table, _) = ended(ctl(server.addr).args(["status", "p"]));

    assert_eq!(code, 0);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(words(lines[1])[..5], ["p", "1", "1", "2", "web7"]);
    assert_eq!(words(lines[3]), ["TICKET", "WAITING", "HOST", "FOR", "PRESENT"]);
    let waiters: Vec<_> = lines[4..].iter().map(|line| (words(line)[1], words(line)[4])).collect();
    assert_eq!(waiters, [("web9", "yes"), ("web8", "yes")]);
}

#[test]
fn json_is_what_the_server_tells() {
    let server = Server::start(ONE_SLOT);
    let id = acquired(&server, "web7");

    let (_, all, _) = ended(ctl(server.addr).args(["status", "--json"]));
    let (_, one, _) = ended(ctl(server.addr).args(["status", "p", "--json"]));

    assert!(all.starts_with(r#"{"pools":[{"name":"p","#), "{all}");
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&one["held"], &one["holders"][0]["host"]), (&json!(1), &json!("web7")));
    assert!(!all.contains(&id), "the lease id is a secret");
}

#[test]
fn what_a_later_server_tells_is_not_left_out() {
    let server = Fake::start();
    let child = ctl(server.addr()).args(["status", "--json"]).stdout(Stdio::piped()).spawn().unwrap();

    let told = json!({"pools": [], "weather": "fine", "store": "s"});
    server.looked_at("/v1/pools").answer_json("200 OK", &told);

    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{told}\n"));
}

#[test]
fn strangers_do_not_write_to_the_terminal() {
    let server = Fake::start();
    let child = ctl(server.addr()).args(["status", "p"]).stdout(Stdio::piped()).spawn().unwrap();

    let holder = json!({"host": "web\u{1b}[2J7", "token": 1, "since": null, "expires_in": 9, "command": "a\u{202e}b\u{9b}c"});
    let waiter = json!({"ticket": 1, "host": "web\u{7}9", "waited": 1, "present": false});
    let told = json!({"name": "p", "slots": 1, "held": 1, "holders": [holder],
        "queue": {"length": 1, "waiters": [waiter]}, "store": "s"});
    server.looked_at("/v1/pools/p").answer_json("200 OK", &told);

    let shown = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(shown.contains("web\u{fffd}[2J7") && shown.contains("a\u{fffd}b\u{fffd}c"), "{shown}");
    assert!(shown.contains("web\u{fffd}9") && shown.contains("no: reconnecting"), "{shown}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_trouble() {
    let server = Server::start(ONE_SLOT);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);

    let output = ctl(server.addr).arg("status").stdout(writer).stderr(Stdio::piped()).spawn().unwrap();

    let output = output.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
