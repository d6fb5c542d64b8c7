//! What events there are, and what they tell.

use std::{fs, process::Command};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    super::{
        admin_rights::{local, with_socket},
        answer, call, description, held_by_ann, parked, release, state,
    },
    Stream,
};
use crate::{
    server::reload::Site,
    support::{ONE_SLOT, Server},
};

#[test]
fn leases_and_places_are_told_of_in_the_order_in_which_they_come_and_go() {
    let server = Server::start(ONE_SLOT);
    let mut events = Stream::of(&server, "");

    let ann = call(&server, "pool1/acquire", &json!({"host": "ann", "command": "backup"}));
    let _bob = parked(&server, &json!({"host": "bob", "owner": "o", "wait": 30}));
    let mut cid = server.waiting("cid", "pool1");
    assert_eq!(call(&server, "pool1/release", &json!({"host": "bob", "owner": "o"})).status, 204);
    let body = json!({"lease": ann.granted(), "exit_status": 3});
    assert_eq!(call(&server, "pool1/release", &body).status, 204);
    assert_eq!(cid.answer().1, "YES");

    let granted = events.tells("granted");
    assert_eq!((&granted["pool"], &granted["host"]), (&json!("pool1"), &json!("ann")));
    assert_eq!(granted["token"], ann.body["token"]);
    assert_eq!((&granted["waited"], &granted["command"]), (&json!(0), &json!("backup")));
    let (bob, cid) = (events.tells("queued"), events.tells("queued"));
    assert_eq!((&bob["host"], &bob["position"]), (&json!("bob"), &json!(1)));
    assert_eq!((&cid["host"], &cid["position"]), (&json!("cid"), &json!(2)));
    assert!(bob["ticket"].as_u64() < cid["ticket"].as_u64());
    let left = events.tells("left");
    assert_eq!((&left["host"], &left["ticket"]), (&json!("bob"), &bob["ticket"]));
    let released = events.tells("released");
    assert_eq!((&released["host"], &released["token"]), (&json!("ann"), &ann.body["token"]));
    assert_eq!((&released["exit_status"], &released["command"]), (&json!(3), &json!("backup")));
    let granted = events.tells("granted");
    assert_eq!((&granted["host"], &granted["command"]), (&json!("cid"), &Value::Null));
    server.word("/release?host=cid&pool=pool1");
    assert_eq!(events.tells("released")["exit_status"], Value::Null);
}

#[test]
fn a_lease_that_expired_is_told_of_and_so_is_who_wanted_to_renew_it() {
    let server = Server::start(ONE_SLOT);
    let mut events = Stream::of(&server, "");
    let lease = call(&server, "pool1/acquire", &json!({"host": "ann", "ttl": 0.5}));
    events.tells("granted");

    let expired = events.tells("expired");

    assert_eq!((&expired["host"], &expired["token"]), (&json!("ann"), &lease.body["token"]));
    assert!(expired["held"].as_f64().unwrap() >= 0.5);
    let renew = |lease: &str| call(&server, "pool1/renew", &json!({"lease": lease})).status;
    assert_eq!([renew(lease.granted()), renew(&"0".repeat(32))], [410, 410]);
    let lost = events.tells("renewal_refused");
    assert_eq!((&lost["host"], &lost["token"]), (&json!("ann"), &lease.body["token"]));
    let unknown = events.tells("renewal_refused");
    assert_eq!((&unknown["host"], &unknown["token"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_grant_that_nobody_heard_of_is_told_of_as_such() {
    let server = Server::start(ONE_SLOT);
    let mut ann = server.connect();
    assert_eq!(ann.ask("/get?host=ann&pool=pool1").1, "YES");
    let (bob, mut cid) = (server.waiting("bob", "pool1"), server.waiting("cid", "pool1"));
    let mut events = Stream::of(&server, "");

    server.freeze(); // the release and the end of bob are there when the server looks again
    ann.send("/release?host=ann&pool=pool1");
    server.has_bytes_of(ann.addr());
    let addr = bob.addr();
    drop(bob);
    server.has_ends_of(&[addr]);
    server.signal(Signal::CONT);

    assert_eq!(cid.answer().1, "YES");
    assert_eq!(events.words(4), ["released ann", "granted bob", "undelivered bob", "granted cid"]);
}

#[test]
fn what_operators_do_is_told_with_their_names_and_reasons() {
    let (server, socket) = with_socket("");
    let mut events = Stream::of(&server, "");
    let lease = held_by_ann(&server);
    let (mut bob, _cid) =
        (parked(&server, &json!({"host": "bob", "wait": 30})), server.waiting("cid", "pool1"));
    let line = state(&server)["queue"]["waiters"].clone();
    let token = &state(&server)["holders"][0]["token"];
    assert_eq!(events.words(3), ["granted ann", "queued bob", "queued cid"]);

    let mut pulled = |action: &str, mut body: Value, event: &str| {
        (body["author"], body["reason"]) = (json!("eve"), json!(format!("to {action}\n")));
        assert_eq!(local(&socket, &format!("pools/pool1/{action}"), &body.to_string()).status, 200);
        let data = events.tells(event);
        assert_eq!((&data["author"], &data["reason"]), (&json!("eve"), &json!(format!("to {action} "))));
        data
    };

    pulled("pause", json!({}), "paused");
    let moved = pulled("promote", json!({"ticket": line[1]["ticket"]}), "promoted");
    assert_eq!((&moved["host"], &moved["ticket"]), (&json!("cid"), &line[1]["ticket"]));
    let removed = pulled("evict", json!({"ticket": line[0]["ticket"]}), "evicted");
    assert_eq!((&removed["host"], &removed["ticket"]), (&json!("bob"), &line[0]["ticket"]));
    let forced = pulled("force-release", json!({"token": token}), "force_released");
    assert_eq!((&forced["host"], &forced["token"]), (&json!("ann"), token));
    pulled("resume", json!({}), "resumed");
    assert_eq!(events.words(1), ["granted cid"]);
    assert_eq!(answer(&mut bob).refusal(), (409, "evicted"));
    assert_eq!(call(&server, "pool1/release", &json!({"lease": lease})).status, 410);
}

#[test]
fn a_reload_is_told_of_the_pools_that_changed_and_of_no_others() {
    let site = Site::new("pools: [{name: a}, {name: b}, {name: c, maxlocks: 2}]");
    let mut events = Stream::of(&site.server, "");
    let changed = |events: &mut Stream, count: usize| {
        let mut pools: Vec<_> = (0..count).map(|_| events.tells("reconfigured")["pool"].clone()).collect();
        pools.sort_by_key(Value::to_string);
        pools
    };

    site.reads("pools: [{name: a}, {name: c, maxlocks: 3}, {name: d}]");
    assert_eq!(changed(&mut events, 3), ["b", "c", "d"]);
    site.reads("pools: [{name: a}, {name: c, maxlocks: 3}, {name: d}]");
    site.reads("pools: [{name: a}, {name: b}, {name: c, maxlocks: 3}, {name: d}]");
    assert_eq!(changed(&mut events, 1), ["b"]);
    site.reads("max_wait: 60\npools: [{name: a}, {name: b}, {name: c, maxlocks: 3}, {name: d}]");
    assert_eq!(changed(&mut events, 4), ["a", "b", "c", "d"]);
}

#[test]
fn every_word_is_described_and_counted_from_0_on() {
    let server = Server::start(ONE_SLOT);

    let (_, numbers) = server.get("/metrics");

    for word in description::event_words() {
        assert!(numbers.contains(&format!("distributex_events_total{{event=\"{word}\"}} 0\n")), "{word}");
    }
    assert_eq!(numbers.matches("distributex_events_total{").count(), description::event_words().count());
}

#[test]
fn hostile_names_and_notes_stay_inside_their_events() {
    let (pool, host) = ("a\"b\\c%}', data: x", "x\"\u{2028}\u{202e}\\n");
    let yaml = serde_json::to_string(&json!({"pools": [{"name": pool}]})).unwrap();
    let server = Server::start(&yaml);
    let mut events = Stream::of(&server, "");
    let path = "/v1/pools/a%22b%5Cc%25%7D%27,%20data:%20x";
    let mut client = server.connect();

    let body = json!({"host": host, "command": "\n\ndata: {}\r\nid: 7\n\n\0\u{1b}[2J"});
    client.post(&format!("{path}/acquire"), &body.to_string());
    super::super::read(&mut client, "POST", &format!("{path}/acquire")).granted();

    let granted = events.tells("granted");
    assert_eq!((&granted["pool"], &granted["host"]), (&json!(pool), &json!(host)));
    assert_eq!(granted["command"], "  data: {}  id: 7    [2J");
    assert!(events.is_silent());
}

#[test]
fn a_pool_that_was_remembered_from_before_the_restart_tells_nothing_new() {
    let folder = crate::wrapper::run::folder();
    let file = folder.join("distributex.yaml");
    let yaml = format!("state_dir: {}\n{ONE_SLOT}", folder.join("state").display());
    fs::write(&file, yaml).unwrap();
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
        Server::spawn(command.arg("-c").arg(&file).args(["--listen", "127.0.0.1:0"]))
    };
    let mut server = start();
    let lease = held_by_ann(&server);
    server.signal(Signal::TERM);
    server.end();

    let server = start();
    let mut events = Stream::of(&server, "");
    release(&server, &lease);

    assert_eq!(events.words(1), ["released ann"]);
    assert!(events.is_silent());
}
