//! What is wrong has a kind and a sentence, and changes nothing.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{answer, call, call_on, held_by_ann, look, parked, read, release, state};
use crate::support::{ONE_SLOT, Server, post};

#[test]
fn a_body_that_says_no_ask_is_told_what_is_wrong_with_it() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();

    for (body, said) in [
        ("", "empty"),
        (" \n", "empty"),
        ("host=ann", "JSON object"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        (r#"["ann"]"#, "JSON object"),
        ("{", "line 1 column 1"),
        (r#"{"host": "ann"} x"#, "trailing"),
        (r#"{"host": ann}"#, "column 10"),
        ("{\"host\": \"\\ud800\"}", "line 1"),
        (r#"{"host": "ann", "host": "bob"}"#, "duplicate field `host`"),
        (r#"{"host": "ann", "wait": NaN}"#, "line 1"),
        (r#"{"host": "ann", "wait": 1e999}"#, "out of range"),
        ("{}", r#""host" is required"#),
        (r#"{"host": null}"#, r#""host" is required"#),
        (r#"{"HOST": "ann"}"#, r#""host" is required"#),
        (r#"{"host": 1}"#, r#""host" must be a string"#),
        (r#"{"host": ["ann"]}"#, r#""host" must be a string"#),
        (r#"{"host": ""}"#, r#""host": a name must not be empty"#),
        (r#"{"host": "a\nb"}"#, r#""host": a name must not contain control"#),
        (r#"{"host": "ann", "owner": ""}"#, r#""owner": a name must not be empty"#),
        (r#"{"host": "ann", "owner": {"a": [1]}}"#, r#""owner" must be a string"#),
        (r#"{"host": "ann", "command": true}"#, r#""command" must be a string"#),
        (r#"{"host": "ann", "wait": "5"}"#, r#""wait" must be a number"#),
        (r#"{"host": "ann", "wait": -1}"#, r#""wait" must be a number"#),
        (r#"{"host": "ann", "patience": -0.1}"#, r#""patience" must be a number"#),
        (r#"{"host": "ann", "ttl": {}}"#, r#""ttl" must be a number"#),
        (r#"{"host": "ann", "ttl": 0.49}"#, r#""ttl" must be at least 0.5 s"#),
        (&format!(r#"{{"host": "{}"}}"#, "x".repeat(256)), "at most 255 bytes"),
        (&format!(r#"{{"x": {}1}}"#, "[".repeat(1000)), "line 1"),
    ] {
        client.post("/v1/pools/pool1/acquire", body);
        let answer = answer(&mut client);
        assert_eq!(answer.refusal(), (400, "bad_request"), "{body}");
        assert!(answer.text("message").contains(said), "{body}: {answer:?}");
    }
    for (call, body, said) in [
        ("renew", json!({}), r#""lease" is required"#),
        ("renew", json!({"lease": 1}), r#""lease" must be a string"#),
        ("renew", json!({"lease": "x", "ttl": 0}), r#""ttl" must be at least 0.5 s"#),
        ("release", json!({}), r#""lease", or "host" and "owner" is required"#),
        ("release", json!({"host": "ann"}), r#""lease", or "host" and "owner" is required"#),
        ("release", json!({"owner": "o", "lease": null}), r#""lease", or "host" and "owner" is required"#),
    ] {
        let answer = call_on(&mut client, &format!("pool1/{call}"), &body);
        assert_eq!(answer.refusal(), (400, "bad_request"), "{body}");
        assert!(answer.text("message").contains(said), "{body}: {answer:?}");
    }
    assert_eq!(state(&server)["held"], 0);
}

#[test]
fn unknown_fields_nulls_and_huge_numbers_do_no_harm() {
    let server = Server::start(ONE_SLOT);
    let body = json!({
        "host": "ann", "owner": null, "wait": 1e300, "patience": u64::MAX, "ttl": 1e15, "command": null,
        "lease": 17, "more": [{"deep": [1, 2, {"a": null}]}, true],
    });

    call(&server, "pool1/acquire", &body).granted();
}

#[test]
fn a_text_that_is_no_leases_name_is_a_lost_lease() {
    let server = Server::start(ONE_SLOT);
    for lease in ["", "x", &"+".repeat(32), &"0".repeat(32), &"0".repeat(33)] {
        for name in ["pool1/renew", "pool1/release"] {
            assert_eq!(call(&server, name, &json!({"lease": lease})).refusal(), (410, "lease_lost"));
        }
    }
}

#[test]
fn pools_hosts_paths_and_methods_that_do_not_fit_are_refused() {
    let server = Server::start("pools: [{name: pool1, servers: 'ann, bob'}]");
    for (name, body) in
        [("acquire", json!({"host": "cid"})), ("release", json!({"host": "cid", "owner": "o"}))]
    {
        let refused = call(&server, &format!("pool1/{name}"), &body);
        assert_eq!(refused.refusal(), (403, "host_not_allowed"));
    }
    for name in ["acquire", "renew", "release"] {
        assert_eq!(call(&server, &format!("none/{name}"), &json!({})).refusal(), (404, "no_such_pool"));
    }
    for path in ["/v1/pools/none", "/v1/pools/none/holders/1"] {
        assert_eq!(look(&server, path).refusal(), (404, "no_such_pool"), "{path}");
    }
    for path in ["/v1", "/v1/", "/v1/get", "/v1/pools/pool1/get", "/v1/pools/pool1/holders/x"] {
        assert_eq!(look(&server, path).refusal(), (404, "not_found"), "{path}");
    }
    assert_eq!(server.get("/v2/pools"), (404, "INVALID".to_owned()));
    for (method, path, allow) in [
        ("GET", "/v1/pools/pool1/acquire", "POST"),
        ("PUT", "/v1/pools/pool1/release", "POST"),
        ("POST", "/v1/pools", "GET, HEAD"),
        ("DELETE", "/v1/pools/pool1/holders/1", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ] {
        let mut client = server.connect();
        client.send_raw(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        let answer = read(&mut client, method, path);
        assert_eq!(answer.refusal(), (405, "method_not_allowed"));
        assert!(answer.head.contains(&format!("\r\nallow: {allow}\r\n")), "{answer:?}");
    }
}

#[test]
fn above_max_waiters_an_ask_is_refused_at_once() {
    let server = Server::start("pools: [{name: pool1, max_waiters: 1}]");
    held_by_ann(&server);
    let _bob = parked(&server, &json!({"host": "bob", "wait": 30}));

    for ask in [json!({"host": "cid", "wait": 30}), json!({"host": "cid", "owner": "o", "patience": 9})] {
        let refused = call(&server, "pool1/acquire", &ask);
        assert_eq!(refused.refusal(), (429, "queue_full"));
        assert!(!refused.head.contains("\r\nconnection: close\r\n"));
    }
    assert_eq!(call(&server, "pool1/acquire", &json!({"host": "cid"})).refusal(), (423, "pool_full"));
}

#[test]
fn a_server_that_stops_says_so_and_still_takes_releases() {
    let mut server = Server::start("pools: [{name: pool1}, {name: pool2}]");
    let lease = held_by_ann(&server);
    let mut ann = server.connect();
    let mut late = server.connect();
    for client in [&mut ann, &mut late] {
        client.ask("/nothing");
    }
    let mut bob = parked(&server, &json!({"host": "bob", "owner": "o", "wait": 30}));

    server.signal(Signal::TERM);
    let stopped = answer(&mut bob);
    assert_eq!(stopped.refusal(), (503, "draining"));
    assert!(stopped.head.contains("\r\nconnection: close\r\n"), "{stopped:?}");
    let release = post("/v1/pools/pool1/release", &json!({"lease": lease}).to_string());
    ann.send_raw(&release);
    late.post("/v1/pools/pool2/acquire", r#"{"host":"cid"}"#);

    assert_eq!(read(&mut ann, "POST", "/v1/pools/pool1/release").status, 204);
    assert_eq!(read(&mut late, "POST", "/v1/pools/pool2/acquire").refusal(), (503, "draining"));
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn every_error_names_its_store() {
    let server = Server::start(ONE_SLOT);
    let store = state(&server)["store"].clone();
    let lease = held_by_ann(&server);

    for answer in [
        look(&server, "/v1/nothing"),
        call(&server, "pool1/acquire", &Value::Null),
        call(&server, "pool1/acquire", &json!({"host": "bob"})),
        call(&server, "pool1/renew", &json!({"lease": "x"})),
        call(&server, "pool1/renew", &json!({"lease": lease})),
    ] {
        assert_eq!(answer.body["store"], store, "{answer:?}");
    }
    release(&server, &lease);
}
