//! What levers do to those who hold and those who wait.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::{
    Answer, admin_rights::local, answer, call, events::Stream, held_by_ann, look, parked, release, state,
};
use crate::{
    support::{Client, Server, file_with},
    wrapper::run::{eventually, folder},
};

/// A server with a local socket, whose log can be read.
pub(super) struct Site {
    pub(super) server: Server,
    socket: PathBuf,
    log: PathBuf,
}

impl Site {
    pub(super) fn new(pools: &str) -> Self {
        let folder = folder();
        let (socket, log) = (folder.join("s"), folder.join("log"));
        let yaml = format!("admin_socket: {}\npools: [{pools}]", socket.display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
        command.arg("-c").arg(file_with(&yaml)).args(["--listen", "127.0.0.1:0"]);
        let server = Server::spawn(command.stderr(File::create(&log).unwrap()));
        Self { server, socket, log }
    }

    /// What comes of a lever of `pool1`, which Eve pulls as a test.
    pub(super) fn pulls(&self, action: &str, mut body: Value) -> Answer {
        (body["author"], body["reason"]) = (json!("eve"), json!("a test"));
        local(&self.socket, &format!("pools/pool1/{action}"), &body.to_string())
    }

    /// Returns when the log has a line with these words, and who did it and why.
    pub(super) fn logs(&self, words: &str) {
        let line = format!("{words} author=eve reason=\"a test\"\n");
        eventually(&line, || fs::read_to_string(&self.log).unwrap().contains(&line));
    }

    /// The tickets of those in line.
    fn tickets(&self) -> Vec<Value> {
        let line = state(&self.server)["queue"]["waiters"].clone();
        line.as_array().unwrap().iter().map(|waiting| waiting["ticket"].clone()).collect()
    }

    pub(super) fn waits(&self, host: &str) -> Client {
        parked(&self.server, &json!({"host": host, "owner": "o", "wait": 30}))
    }
}

/// The words of the reason why somebody got no slot of a paused pool.
fn is_paused(refused: &Answer, reason: &str) {
    assert_eq!(refused.refusal(), (423, "pool_paused"), "{refused:?}");
    assert!(
        refused.text("message").starts_with(&format!("pool1 is paused by eve: {reason}; ")),
        "{refused:?}"
    );
    let paused = &refused.body["paused"];
    assert_eq!((&paused["author"], &paused["reason"]), (&json!("eve"), &json!(reason)));
}

#[test]
fn a_forced_release_gives_the_slot_to_the_first_in_line_at_once() {
    let site = Site::new("{name: pool1, expire: 300}");
    let ann = call(&site.server, "pool1/acquire", &json!({"host": "ann", "owner": "o", "command": "x"}));
    let (mut bob, cid) = (site.waits("bob"), site.server.waiting("cid", "pool1"));
    let token = &ann.body["token"];

    let forced = site.pulls("force-release", json!({"token": token}));

    assert_eq!((forced.status, forced.text("host"), &forced.body["token"]), (200, "ann", token));
    let may_run_for = forced.number("may_run_for");
    assert!(may_run_for > 200.0 && may_run_for <= 300.0 && forced.number("held") > 0.0, "{forced:?}");
    let lease = answer(&mut bob).granted().to_owned();
    assert!(cid.is_silent());
    let lost = json!({"lease": ann.granted()});
    assert_eq!(call(&site.server, "pool1/renew", &lost).refusal(), (410, "lease_lost"));
    assert_eq!(call(&site.server, "pool1/release", &lost).refusal(), (410, "lease_lost"));
    assert_eq!(look(&site.server, &format!("/v1/pools/pool1/holders/{token}")).status, 404);
    assert_eq!(site.pulls("force-release", json!({"token": token})).refusal(), (404, "not_found"));
    assert_eq!(call(&site.server, "pool1/renew", &json!({"lease": lease})).status, 200);
    eventually("it is in the log", || {
        let log = fs::read_to_string(&site.log).unwrap();
        let line = log.lines().find(|line| line.contains("force_released")).unwrap_or_default();
        line.contains(&format!("pool=pool1 host=ann token={token} held="))
            && line.ends_with(" author=eve reason=\"a test\"")
    });
}

#[test]
fn a_lease_without_an_end_may_run_for_ever_and_a_classic_one_is_forced_too() {
    let site = Site::new("{name: pool1, expire: 0}");
    assert_eq!(site.server.word("/get?host=ann&pool=pool1"), "YES");
    let token = state(&site.server)["holders"][0]["token"].clone();

    let forced = site.pulls("force-release", json!({"token": token}));

    assert_eq!((forced.status, &forced.body["may_run_for"]), (200, &Value::Null));
    assert_eq!(site.server.word("/get?host=bob&pool=pool1"), "YES");
    assert_eq!(site.server.word("/release?host=ann&pool=pool1"), "OK");
    assert_eq!(site.server.word("/get?host=ann&pool=pool1"), "NO");
}

#[test]
fn a_paused_pool_grants_nothing_says_why_and_keeps_its_line_until_it_is_resumed() {
    let site = Site::new("{name: pool1, expire: 300, maxlocks: 2}");
    let server = &site.server;
    let lease = held_by_ann(server);

    let paused = site.pulls("pause", json!({}));

    assert_eq!((paused.status, &paused.body["paused"]["author"]), (200, &json!("eve")));
    assert_eq!(server.word("/get?host=bob&pool=pool1"), "NO");
    is_paused(&call(server, "pool1/acquire", &json!({"host": "bob"})), "a test");
    is_paused(&call(server, "pool1/acquire", &json!({"host": "bob", "wait": 0.01})), "a test");
    is_paused(
        &call(server, "pool1/acquire", &json!({"host": "bob", "owner": "o", "patience": 30})),
        "a test",
    );
    let (mut cid, mut dan, mut eve) = (site.waits("cid"), server.waiting("dan", "pool1"), site.waits("eve"));
    // Who holds goes on.
    assert_eq!(call(server, "pool1/renew", &json!({"lease": lease})).status, 200);
    assert_eq!(call(server, "pool1/acquire", &json!({"host": "ann", "owner": "o"})).status, 200);
    release(server, &lease);
    assert!(cid.is_parked(server) && dan.is_silent() && eve.is_silent());
    assert_eq!((&state(server)["held"], &state(server)["queue"]["length"]), (&json!(0), &json!(4)));

    let again = json!({"author": "eve", "reason": "another"}).to_string();
    assert_eq!(local(&site.socket, "pools/pool1/pause", &again).body["paused"]["reason"], "another");
    is_paused(&call(server, "pool1/acquire", &json!({"host": "fay"})), "another");
    let mut events = Stream::of(server, "");
    let resumed = site.pulls("resume", json!({}));

    assert_eq!((resumed.status, &resumed.body["paused"]), (200, &Value::Null));
    let mut told = events.words(3);
    told.sort_unstable();
    assert_eq!(told, ["granted bob", "granted cid", "resumed"]); // bob has his patience to come back
    answer(&mut cid).granted();
    assert!(dan.is_parked(server));
    assert_eq!(call(server, "pool1/release", &json!({"host": "bob", "owner": "o"})).status, 204);
    assert_eq!(dan.answer().1, "YES");
    assert!(eve.is_parked(server));
    assert_eq!(server.word("/release?host=dan&pool=pool1"), "OK");
    answer(&mut eve).granted();
    site.logs("paused pool=pool1");
    site.logs("resumed pool=pool1");
}

#[test]
fn a_resume_of_a_pool_that_is_not_paused_is_told_nobody() {
    let site = Site::new("{name: pool1, expire: 300}");
    let mut events = Stream::of(&site.server, "");

    let resumed = site.pulls("resume", json!({}));
    site.pulls("pause", json!({}));
    let again = site.pulls("resume", json!({}));

    assert_eq!((resumed.status, &resumed.body["resumed"]), (200, &json!(false)));
    assert_eq!((again.status, &again.body["resumed"]), (200, &json!(true)));
    assert_eq!(events.words(2), ["paused", "resumed"]);
}

#[test]
fn who_is_put_to_the_front_is_served_next() {
    let site = Site::new("{name: pool1, expire: 300}");
    let lease = held_by_ann(&site.server);
    let (bob, _cid, mut dan) = (site.waits("bob"), site.server.waiting("cid", "pool1"), site.waits("dan"));
    let tickets = site.tickets();

    let moved = site.pulls("promote", json!({"ticket": tickets[2]}));

    assert_eq!((moved.status, moved.text("host"), moved.number("position")), (200, "dan", 1.0));
    assert_eq!(moved.body["ticket"], tickets[2]);
    assert_eq!(site.tickets(), [&tickets[2], &tickets[0], &tickets[1]].map(Value::clone));
    assert_eq!(site.pulls("promote", json!({"ticket": tickets[2]})).status, 200); // where it is already
    release(&site.server, &lease);
    answer(&mut dan).granted();
    assert!(bob.is_parked(&site.server));
    assert_eq!(site.pulls("promote", json!({"ticket": tickets[2]})).refusal(), (404, "not_found"));
    site.logs(&format!("promoted pool=pool1 host=dan ticket={}", tickets[2]));
}

#[test]
fn who_is_removed_is_told_so_and_may_come_back_behind_the_others() {
    let site = Site::new("{name: pool1, expire: 300}");
    let lease = held_by_ann(&site.server);
    let (mut bob, mut cid, mut dan) =
        (site.waits("bob"), site.server.waiting("cid", "pool1"), site.waits("dan"));
    let tickets = site.tickets();

    let removed = site.pulls("evict", json!({"ticket": tickets[0]}));

    assert_eq!((removed.status, removed.text("host")), (200, "bob"));
    assert_eq!((&removed.body["ticket"], &removed.body["position"]), (&tickets[0], &Value::Null));
    let told = answer(&mut bob);
    assert_eq!(told.refusal(), (409, "evicted"));
    assert!(told.text("message").contains("an operator removed this request from the queue"), "{told:?}");
    assert_eq!(site.pulls("evict", json!({"ticket": tickets[0]})).refusal(), (404, "not_found"));
    assert_eq!(site.pulls("evict", json!({"ticket": tickets[1]})).status, 200);
    assert_eq!(cid.answer(), (200, "NO".to_owned()));
    let bob = site.waits("bob");
    release(&site.server, &lease);
    answer(&mut dan).granted();
    assert!(bob.is_parked(&site.server));
    site.logs(&format!("evicted pool=pool1 host=bob ticket={}", tickets[0]));
    site.logs(&format!("evicted pool=pool1 host=cid ticket={}", tickets[1]));
}

#[test]
fn a_key_of_an_operator_is_in_no_log_no_event_and_no_history() {
    let socket: &Path = &folder().join("s");
    let log = folder().join("log");
    let yaml =
        format!("admin_socket: {}\n{}pools: [{{name: pool1}}]", socket.display(), super::admin_rights::KEYS);
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    command.arg("-c").arg(file_with(&yaml)).args(["--listen", "127.0.0.1:0"]).env("RUST_LOG", "trace");
    let mut server = Server::spawn(command.stderr(File::create(&log).unwrap()));
    let mut events = Stream::of(&server, "");
    held_by_ann(&server);
    let token = state(&server)["holders"][0]["token"].clone();
    events.tells("granted");

    for (key, status) in [("open sesame", 200), ("open simsim", 401)] {
        let head = format!("Authorization: Bearer {key}\r\n");
        let body = json!({"token": token, "reason": "a test", "author": "eve"}).to_string();
        let answer =
            super::admin_rights::pull(&mut server.connect(), "pools/pool1/force-release", &head, &body);
        assert_eq!(answer.status, status);
        assert!(!answer.body.to_string().contains("sesame") && !answer.body.to_string().contains("simsim"));
    }

    assert_eq!(events.tells("force_released")["author"], "eve (key ali)");
    let mut told = look(&server, "/v1/pools/pool1/history").body.to_string() + &server.get("/metrics").1;
    server.signal(rustix::process::Signal::TERM);
    server.end();
    told += &fs::read_to_string(&log).unwrap();
    assert!(told.contains("eve (key ali)"), "{told}");
    for secret in ["sesame", "simsim", "41ef4bb0"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}
