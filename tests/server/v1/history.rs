//! `GET /v1/pools/{pool}/history`: the latest runs of a pool.

use serde_json::{Value, json};

use super::{
    admin_rights::{local, with_socket},
    call, call_on, held_by_ann, look, read, release,
};
use crate::{
    server::reload::Site,
    support::{ONE_SLOT, Server},
    wrapper::run::{ended, eventually, wrapper},
};

/// The runs of `pool1`, the latest first.
fn runs(server: &Server) -> Vec<Value> {
    let answer = look(server, "/v1/pools/pool1/history");
    assert_eq!((answer.status, answer.text("pool")), (200, "pool1"));
    answer.body["runs"].as_array().unwrap().clone()
}

/// `ann` takes the slot of `pool1`, and gives it back with this report.
fn run(server: &Server, exit_status: &Value) -> super::Answer {
    let ask = json!({"host": "ann", "owner": "o", "exit_status": exit_status});
    call(server, "pool1/acquire", &ask).granted();
    call(server, "pool1/release", &ask)
}

#[test]
fn a_pool_without_runs_has_an_empty_history() {
    let server = Server::start(ONE_SLOT);
    held_by_ann(&server);

    assert_eq!(runs(&server), [Value::Null; 0]);
}

#[test]
fn runs_are_told_the_latest_first_with_all_that_is_known_of_them() {
    let server = Server::start(ONE_SLOT);
    let ann = call(&server, "pool1/acquire", &json!({"host": "ann", "command": "backup"}));
    let mut bob = server.waiting("bob", "pool1");
    let body = json!({"lease": ann.granted(), "exit_status": 3});
    assert_eq!(call(&server, "pool1/release", &body).status, 204);
    assert_eq!(bob.answer().1, "YES");
    assert_eq!(server.word("/release?host=bob&pool=pool1"), "OK");

    let runs = runs(&server);

    let told: Vec<_> = runs.iter().map(|run| [&run["host"], &run["command"], &run["exit_status"]]).collect();
    assert_eq!(
        told,
        [[&json!("bob"), &json!(null), &json!(null)], [&json!("ann"), &json!("backup"), &json!(3)]]
    );
    assert_eq!(runs[1]["token"], ann.body["token"]);
    assert!(
        runs.iter().all(|run| run["how"] == "released" && run["author"].is_null() && run["reason"].is_null())
    );
    assert_eq!(runs[1]["waited"], 0);
    let moment = |run: &Value, key: &str| run[key].as_str().unwrap().to_owned();
    assert!(moment(&runs[1], "since") <= moment(&runs[1], "ended_at"));
    assert!(moment(&runs[1], "ended_at") <= moment(&runs[0], "ended_at"));
}

#[test]
fn an_exit_status_is_a_whole_number_from_0_to_255_or_nothing_happens() {
    let server = Server::start(ONE_SLOT);
    for (told, kept) in [(json!(0), 0), (json!(255), 255), (json!(7.0), 7)] {
        assert_eq!(run(&server, &told).status, 204);
        assert_eq!(runs(&server)[0]["exit_status"], kept);
    }
    assert_eq!(run(&server, &Value::Null).status, 204);
    assert_eq!(runs(&server)[0]["exit_status"], Value::Null);

    let mut client = server.connect();
    let lease = held_by_ann(&server);
    for wrong in [json!(-1), json!(256), json!(1.5), json!("0"), json!(true), json!([]), json!(1e300)] {
        let refused = call_on(&mut client, "pool1/release", &json!({"lease": lease, "exit_status": wrong}));
        assert_eq!(refused.refusal(), (400, "bad_request"), "{wrong}");
        assert!(refused.text("message").contains("\"exit_status\" must be an integer"), "{refused:?}");
    }
    release(&server, &lease);
    assert_eq!(runs(&server).len(), 5);
}

#[test]
fn how_a_run_ended_is_told_and_who_forced_it_and_why() {
    let (server, socket) = with_socket("");
    let lease = held_by_ann(&server);
    let token = &super::state(&server)["holders"][0]["token"];
    let body = json!({"token": token, "author": "eve", "reason": "a\ttest"}).to_string();
    assert_eq!(local(&socket, "pools/pool1/force-release", &body).status, 200);
    assert_eq!(call(&server, "pool1/release", &json!({"lease": lease, "exit_status": 1})).status, 410);

    call(&server, "pool1/acquire", &json!({"host": "bob", "ttl": 0.5})).granted();
    eventually("it expires", || runs(&server).len() == 2);

    let told = |run: &Value| [&run["host"], &run["how"], &run["author"], &run["reason"]].map(Value::clone);
    assert_eq!(
        told(&runs(&server)[1]),
        [json!("ann"), json!("force_released"), json!("eve"), json!("a test")]
    );
    assert_eq!(told(&runs(&server)[0]), [json!("bob"), json!("expired"), json!(null), json!(null)]);
    assert_eq!(runs(&server)[1]["exit_status"], Value::Null);
}

#[test]
fn a_grant_that_nobody_heard_of_was_no_run() {
    let server = Server::start(ONE_SLOT);
    let lease = held_by_ann(&server);
    let bob = super::parked(&server, &json!({"host": "bob", "owner": "o", "wait": 30, "patience": 0.01}));

    drop(bob); // its place, or its grant, is kept for a moment
    release(&server, &lease);
    let mut cid = super::parked(&server, &json!({"host": "cid", "wait": 30}));
    release(&server, super::answer(&mut cid).granted());

    let hosts: Vec<_> = runs(&server).iter().map(|run| run["host"].clone()).collect();
    assert_eq!(hosts, ["cid", "ann"]);
}

#[test]
fn the_latest_so_many_are_kept_of_every_pool() {
    let server = Server::start("history_runs: 3\npools: [{name: pool1}, {name: pool2}]");
    for n in 0..5 {
        run(&server, &json!(n));
    }
    assert_eq!(server.word("/get?host=ann&pool=pool2"), "YES");
    assert_eq!(server.word("/release?host=ann&pool=pool2"), "OK");

    let statuses: Vec<_> = runs(&server).iter().map(|run| run["exit_status"].clone()).collect();
    assert_eq!(statuses, [4, 3, 2]);
    let other = look(&server, "/v1/pools/pool2/history").body;
    assert_eq!(other["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn without_history_or_pool_there_is_none() {
    let server = Server::start(&format!("history_runs: 0\n{ONE_SLOT}"));
    assert_eq!(run(&server, &json!(1)).status, 204);
    assert_eq!(look(&server, "/v1/pools/pool1/history").refusal(), (404, "not_found"));
    assert_eq!(look(&server, "/v1/pools/none/history").refusal(), (404, "no_such_pool"));
    for path in ["/v1/pools/pool1/history/x", "/v1/pools/pool1/History", "/v1/pools//history"] {
        assert_eq!(look(&server, path).status, 404, "{path}");
    }
    let mut client = server.connect();
    client.post("/v1/pools/pool1/history", "{}");
    let refused = read(&mut client, "POST", "/v1/pools/pool1/history");
    assert_eq!(refused.refusal(), (405, "method_not_allowed"));
}

#[test]
fn names_are_decoded_a_slash_does_not_count_and_head_is_answered() {
    let server = Server::start("pools: [{name: 'a/b ä'}]");
    for path in ["/v1/pools/a%2Fb%20%C3%A4/history", "/v1/pools/a%2fb%20%c3%a4/history/"] {
        assert_eq!(look(&server, path).body["pool"], "a/b ä");
    }
    let mut client = server.connect();
    client.send_raw(
        "HEAD /v1/pools/a%2Fb%20%C3%A4/history HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
    );
    let answer = client.rest();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn the_history_of_a_pool_that_was_taken_out_can_be_read_and_goes_on_when_it_comes_back() {
    let site = Site::new("pools: [{name: pool1}, {name: other}]");
    run(&site.server, &json!(1));

    site.reads("pools: [{name: other}]");
    assert_eq!(site.server.get("/v1/pools/pool1").0, 404);
    assert_eq!(runs(&site.server)[0]["exit_status"], 1);
    site.reads("pools: [{name: pool1}, {name: other}]");
    run(&site.server, &json!(2));

    assert_eq!(runs(&site.server).len(), 2);
}

#[test]
fn wrappers_tell_how_their_commands_ended() {
    let server = Server::start("pools: [{name: p}]");
    for (command, status) in [("exit 3", 3), ("true", 0), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        assert_eq!(ended(wrapper(server.addr).args(["--command-note", command, command])).0, status);

        let run = look(&server, "/v1/pools/p/history").body["runs"][0].clone();

        assert_eq!((&run["host"], &run["how"]), (&json!("web1"), &json!("released")));
        assert_eq!((&run["command"], &run["exit_status"]), (&json!(command), &json!(status)));
    }
}
