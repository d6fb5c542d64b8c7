//! HUP: the file is read again, and pools change while hosts hold and wait.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::PathBuf,
    process::Command,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    member::json_of,
    support::{Client, Server, connect_local, post},
    wrapper::run::{eventually, folder},
};

/// A server whose file can be changed.
pub(super) struct Site {
    pub(super) server: Server,
    file: PathBuf,
    log: PathBuf,
}

impl Site {
    pub(super) fn new(yaml: &str) -> Self {
        let (file, log) = (folder().join("distributex.yaml"), folder().join("log"));
        fs::write(&file, yaml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
        command.arg("-c").arg(&file).args(["--listen", "127.0.0.1:0"]).stderr(File::create(&log).unwrap());
        Self { server: Server::spawn(&mut command), file, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Changes the file, and lets the server read it: what it says to that.
    pub(super) fn reads(&self, yaml: &str) -> String {
        let before = self.log().len();
        fs::write(&self.file, yaml).unwrap();
        self.server.signal(Signal::HUP);
        eventually("it is read", || self.log()[before..].contains(" reloaded "));
        self.log()[before..].to_owned()
    }

    pub(super) fn word(&self, call: &str, host: &str, pool: &str) -> String {
        self.server.word(&format!("/{call}?host={host}&pool={pool}"))
    }

    pub(super) fn call(&self, call: &str, body: &Value) -> (u16, Value) {
        let mut client = self.server.connect();
        client.post(&format!("/v1/pools/{call}"), &body.to_string());
        json_of(client.answer())
    }

    /// A connection whose acquire has reached its pool when this returns.
    fn parked(&self, pool: &str, host: &str) -> Client {
        let mut client = self.server.connect();
        let body = json!({"host": host, "owner": "run1", "wait": 600}).to_string();
        let acquire = post(&format!("/v1/pools/{pool}/acquire"), &body);
        client.send_raw(&format!("GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n{acquire}"));
        assert_eq!(client.answer().0, 404);
        client
    }
}

#[test]
fn a_file_that_cannot_be_read_now_hinders_no_signal() {
    let mut site = Site::new("pools: [{name: a}]");
    fs::remove_file(&site.file).unwrap();
    assert!(Command::new("mkfifo").arg(&site.file).status().unwrap().success());

    site.server.signal(Signal::HUP);
    eventually("it is refused", || site.log().contains("reload_rejected"));
    site.server.signal(Signal::TERM);

    assert_eq!(site.server.end().code(), Some(0));
    assert!(site.log().contains("not a regular file"), "{}", site.log());
}

#[test]
fn pools_appear_and_disappear_and_their_waits_end_at_once() {
    let site = Site::new("pools: [{name: a}, {name: b}]");
    assert_eq!(site.word("get", "ann", "a"), "YES");
    let (_, lease) = site.call("b/acquire", &json!({"host": "ann", "owner": "run1"}));
    let mut stays = site.server.waiting("bob", "a");
    let (mut classic, mut v1) = (site.server.waiting("cid", "b"), site.parked("b", "dan"));

    let said = site.reads("pools: [{name: c}, {name: a}]");

    assert!(said.contains(" pools=2"), "{said}");
    assert_eq!(classic.answer(), (200, "INVALID".to_owned()));
    let (status, answer) = json_of(v1.answer());
    assert_eq!((status, &answer["kind"]), (404, &json!("no_such_pool")));
    assert_eq!(site.word("get", "eve", "c"), "YES");
    assert_eq!(site.word("get", "eve", "b"), "INVALID");
    assert!(stays.is_parked(&site.server));
    // Who holds a slot of it renews and releases it.
    let lease = json!({"lease": lease["lease"]});
    assert_eq!(site.call("b/renew", &lease).0, 200);
    let (_, removed) = json_of(site.server.get("/v1/pools/b"));
    assert_eq!((&removed["held"], &removed["removed"]), (&json!(1), &json!(true)));
    assert_eq!(site.call("b/release", &lease).0, 204);
    assert_eq!(site.server.get("/v1/pools/b").0, 404);
    let (_, all) = json_of(site.server.get("/v1/pools"));
    let names: Vec<_> = all["pools"].as_array().unwrap().iter().map(|pool| pool["name"].clone()).collect();
    assert_eq!(names, ["c", "a"]);
    assert_eq!(site.word("release", "ann", "a"), "OK");
    assert_eq!(stays.answer(), (200, "YES".to_owned()));
}

#[test]
fn more_slots_are_given_at_once_and_fewer_take_none_away() {
    let site = Site::new("pools: [{name: a, maxlocks: 1}]");
    assert_eq!(site.word("get", "ann", "a"), "YES");
    let (mut bob, mut cid, mut dan) =
        (site.server.waiting("bob", "a"), site.parked("a", "cid"), site.server.waiting("dan", "a"));

    site.reads("pools: [{name: a, maxlocks: 3}]");
    assert_eq!(bob.answer(), (200, "YES".to_owned()));
    assert_eq!(cid.answer().0, 201);
    assert!(dan.is_parked(&site.server));

    site.reads("pools: [{name: a, maxlocks: 1}]");
    assert_eq!(site.word("get", "ann", "a"), "YES");
    for host in ["ann", "bob"] {
        assert_eq!(site.word("release", host, "a"), "OK");
        assert!(dan.is_parked(&site.server));
    }
    assert_eq!(site.call("a/release", &json!({"host": "cid", "owner": "run1"})).0, 204);
    assert_eq!(dan.answer(), (200, "YES".to_owned()));
}

#[test]
fn a_host_that_may_not_use_the_pool_any_more_waits_no_longer_and_keeps_what_it_has() {
    let site = Site::new("pools: [{name: a, maxlocks: 2, expire: 300}]");
    assert_eq!(site.word("get", "ann", "a"), "YES");
    let (_, lease) = site.call("a/acquire", &json!({"host": "bob", "owner": "run1"}));
    let mut stays = site.server.waiting("eve", "a");
    let (mut classic, mut v1) = (site.server.waiting("cid", "a"), site.parked("a", "dan"));

    site.reads("pools: [{name: a, maxlocks: 2, expire: 300, servers: eve}]");

    assert_eq!(classic.answer(), (200, "INVALID".to_owned()));
    let (status, answer) = json_of(v1.answer());
    assert_eq!((status, &answer["kind"]), (403, &json!("host_not_allowed")));
    assert!(stays.is_parked(&site.server));
    assert_eq!(site.word("get", "cid", "a"), "INVALID");
    assert_eq!(site.call("a/renew", &json!({"lease": lease["lease"]})).0, 200);
    assert_eq!(site.call("a/release", &json!({"host": "bob", "owner": "run1"})).0, 204);
    assert_eq!(stays.answer(), (200, "YES".to_owned()));
    assert_eq!(site.word("release", "ann", "a"), "OK");
    assert_eq!(site.word("release", "ann", "a"), "INVALID"); // it has nothing there any more
}

#[test]
fn leases_live_as_long_as_the_pool_says_when_they_are_given_or_renewed() {
    let site = Site::new("pools: [{name: a, expire: 300}]\nmax_patience: 60");
    let (_, ann) = site.call("a/acquire", &json!({"host": "ann", "owner": "run1"}));
    assert_eq!(ann["ttl"], 300);
    let mut bob = site.parked("a", "bob");

    site.reads("pools: [{name: a, expire: 100}]\nmax_patience: 1");

    assert_eq!(site.call("a/renew", &json!({"lease": ann["lease"]})).1["ttl"], 100);
    assert_eq!(site.call("a/release", &json!({"lease": ann["lease"]})).0, 204);
    assert_eq!(json_of(bob.answer()).1["ttl"], 100);
}

#[test]
fn a_file_with_mistakes_changes_nothing_and_all_of_them_are_told() {
    let site = Site::new("pools: [{name: a}]");
    let before = site.log().len();
    fs::write(&site.file, "backend: inmemory\npools:\n  - name: b\n    maxlocks: -1\n  - name: b\n").unwrap();

    site.server.signal(Signal::HUP);

    eventually("it is told", || site.log()[before..].contains(":5: "));
    let said = site.log()[before..].to_owned();
    assert!(said.contains("ERROR reload_rejected ") && said.contains(":4: "), "{said}");
    assert_eq!(site.word("get", "ann", "a"), "YES");
    assert_eq!(site.word("get", "ann", "b"), "INVALID");
    fs::remove_file(&site.file).unwrap();
    site.server.signal(Signal::HUP);
    eventually("it is told", || site.log().matches("reload_rejected").count() == 3);
    assert_eq!(site.word("get", "ann", "a"), "YES");
}

#[test]
fn keys_that_need_a_restart_are_named_and_the_rest_counts() {
    let site = Site::new("pools: [{name: a}]");

    let said = site.reads("state_dir: /nowhere/at/all\nlisten: 127.0.0.1:1\npools: [{name: a}, {name: b}]");

    for key in ["listen", "state_dir"] {
        assert!(said.contains(&format!(" key_changed file={} key={key} ", site.file.display())), "{said}");
    }
    assert_eq!(site.word("get", "ann", "b"), "YES");
}

/// Lets the server read its file because an operator says so.
fn asked<S: Read + Write>(client: &mut Client<S>, head: &str, body: &str) -> (u16, Value) {
    let length = body.len();
    client.send_raw(&format!(
        "POST /v1/admin/reload HTTP/1.1\r\nHost: test\r\n{head}Content-Length: {length}\r\n\r\n{body}"
    ));
    json_of(client.answer())
}

#[test]
fn an_operator_may_ask_for_it_and_is_told_what_counts() {
    let socket = folder().join("s");
    let admin = format!("admin_socket: {}\n", socket.display());
    let site = Site::new(&format!("{admin}pools: [{{name: a}}]"));
    fs::write(&site.file, format!("{admin}listen: 127.0.0.1:1\npools: [{{name: a}}, {{name: b}}]")).unwrap();

    let told = asked(&mut connect_local(&socket), "", r#"{"author": "ann\t", "reason": "a pool more"}"#);

    assert_eq!(told, (200, json!({"pools": 2, "need_restart": ["listen"]})));
    assert_eq!(site.word("get", "ann", "b"), "YES");
    let line = r#" pools=2 author="ann " reason="a pool more""#;
    eventually("it is in the log", || site.log().contains(line));
    // Without a word, it was the user.
    assert_eq!(asked(&mut connect_local(&socket), "", "").0, 200);
    let user = format!(r#" author="uid {}""#, rustix::process::getuid().as_raw());
    eventually("it is in the log", || site.log().contains(&user));
}

#[test]
fn an_operator_is_told_all_mistakes_of_a_bad_file_which_changes_nothing() {
    let socket = folder().join("s");
    let admin = format!("admin_socket: {}\n", socket.display());
    let site = Site::new(&format!("{admin}pools: [{{name: a}}]"));
    fs::write(&site.file, "pools:\n  - name: b\n    maxlocks: -1\n  - name: b\n").unwrap();

    let (status, answer) = asked(&mut connect_local(&socket), "", "{}");

    assert_eq!((status, &answer["kind"]), (400, &json!("bad_request")));
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(":3: ") && message.contains(":4: "), "{message}");
    assert_eq!(site.word("get", "ann", "a"), "YES");
    assert_eq!(site.word("get", "ann", "b"), "INVALID");
}

#[test]
fn operators_keys_are_those_of_the_last_file_that_was_read() {
    let with = |key: &str| {
        let hash = match key {
            "one" => "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
            _ => "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
        };
        format!("admin_keys: [{{name: ann, sha256: {hash}}}]\npools: [{{name: a}}]")
    };
    let site = Site::new(&with("one"));
    let may = |key: &str| {
        let head = format!("Authorization: Bearer {key}\r\n");
        asked(&mut site.server.connect(), &head, "").0 == 200
    };
    assert!(may("one") && !may("two"));

    site.reads(&with("two"));
    assert!(may("two") && !may("one"));

    // Also when an operator asks for it: with the last word of the old key.
    fs::write(&site.file, with("one")).unwrap();
    assert!(may("two"));
    assert!(may("one") && !may("two"));

    site.reads("pools: [{name: a}]");
    assert!(!may("one"));
}

#[test]
fn what_was_reloaded_is_kept_over_a_restart_with_a_state_directory() {
    let state = format!("state_dir: {}", folder().join("state").display());
    let mut site = Site::new(&format!("{state}\npools: [{{name: a, maxlocks: 2}}, {{name: b}}]"));
    let (_, lease) = site.call("b/acquire", &json!({"host": "ann", "owner": "run1"}));
    site.reads(&format!("{state}\npools: [{{name: a}}, {{name: new}}]"));
    assert_eq!(site.word("get", "bob", "new"), "YES");

    let yaml = fs::read_to_string(&site.file).unwrap();
    let _ = site.server.child.kill();
    site.server.end();
    site = Site::new(&yaml);

    assert_eq!(site.word("get", "cid", "new"), "NO");
    assert_eq!(site.call("b/renew", &json!({"lease": lease["lease"]})).0, 200);
    assert_eq!(site.call("b/acquire", &json!({"host": "cid"})).0, 404);
}

#[test]
fn thousands_who_wait_do_not_notice() {
    let pools = |more: &str| format!("pools: [{{name: a}}, {{name: b}}{more}]");
    let site = Site::new(&pools(""));
    assert_eq!(site.word("get", "ann", "a"), "YES");
    let mut waiting: Vec<_> = (0..1_000).map(|n| site.server.waiting(&format!("host{n}"), "a")).collect();

    for n in 0..20 {
        site.reads(&pools(&format!(", {{name: c{n}}}")));
    }

    assert!(waiting.iter().all(Client::is_silent));
    assert_eq!(site.word("release", "ann", "a"), "OK");
    assert_eq!(waiting[0].answer(), (200, "YES".to_owned()));
    assert!(waiting[1..].iter().all(Client::is_silent));
}
