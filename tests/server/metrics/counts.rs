//! What happens is counted, and where.

use serde_json::json;

use super::{Numbers, prometheus_takes};
use crate::{
    server::reload::Site,
    support::{Client, ONE_SLOT, Server, eventually},
    wrapper::run::folder,
};

/// Posts to a call of `pool1`.
fn post(client: &mut Client, call: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
    client.post(&format!("/v1/pools/pool1/{call}"), &body.to_string());
    crate::member::json_of(client.answer())
}

#[test]
fn leases_are_counted_where_they_begin_and_end() {
    let server = Server::start("pools: [{name: pool1, expire: 300}]");
    let mut client = server.connect();
    let (_, ann) = post(&mut client, "acquire", &json!({"host": "ann", "owner": "o"}));
    post(&mut client, "acquire", &json!({"host": "ann", "owner": "o"})); // again: no new lease
    let mut bob = server.waiting("bob", "pool1");
    let held = Numbers::of(&server);
    assert_eq!([held.pool1("pool_held"), held.pool1("pool_waiting"), held.pool1("grants_total")], [1.0; 3]);
    assert!(held.pool1("pool_oldest_wait_seconds") > 0.0);
    assert!(held.pool1("pool_oldest_hold_seconds") > held.pool1("pool_oldest_wait_seconds"));
    assert_eq!(post(&mut client, "renew", &json!({"lease": ann["lease"]})).0, 200);
    assert_eq!(post(&mut client, "release", &json!({"lease": ann["lease"]})).0, 204);
    assert_eq!(bob.answer().1, "YES");
    assert_eq!(post(&mut client, "renew", &json!({"lease": ann["lease"]})).0, 410);
    assert_eq!(server.word("/release?host=bob&pool=pool1"), "OK");
    assert_eq!(post(&mut client, "acquire", &json!({"host": "cid", "ttl": 0.5})).0, 201);
    eventually(|| Numbers::of(&server).ends() == [2.0, 1.0, 0.0, 0.0, 0.0]);

    let numbers = Numbers::of(&server);

    for name in ["grants_total", "wait_seconds_count", "hold_seconds_count"] {
        assert_eq!(numbers.pool1(name), 3.0, "{name}");
    }
    assert_eq!([numbers.pool1("renewals_total"), numbers.pool1("renewals_refused_total")], [1.0, 1.0]);
    assert_eq!(numbers.get("handover_seconds_count"), 1.0); // bob, who stood in line
    assert!(numbers.pool1("hold_seconds_sum") > 0.5 && numbers.pool1("wait_seconds_sum") > 0.0);
    assert_eq!(numbers.get("hold_seconds_bucket{pool=\"pool1\",le=\"0.1\"}"), 2.0);
    for name in ["pool_held", "pool_waiting", "pool_oldest_wait_seconds", "pool_oldest_hold_seconds"] {
        assert_eq!(numbers.pool1(name), 0.0, "{name}");
    }
}

#[test]
fn refusals_are_counted_by_their_kind() {
    let server = Server::start("pools: [{name: pool1, max_waiters: 1, servers: 'ann, bob, cid'}]");
    let mut client = server.connect();
    post(&mut client, "acquire", &json!({"host": "ann"}));
    assert_eq!(server.word("/get?host=bob&pool=pool1"), "NO");
    assert_eq!(post(&mut client, "acquire", &json!({"host": "bob"})).0, 423);
    assert_eq!(post(&mut client, "acquire", &json!({"host": "bob", "wait": 0.01})).0, 423);
    assert_eq!(server.word("/get?host=dan&pool=pool1"), "INVALID");
    let _bob = server.waiting("bob", "pool1");
    assert_eq!(server.get("/wait?host=cid&pool=pool1").0, 503);

    let numbers = Numbers::of(&server);

    for (kind, count) in [
        ("pool_full", Some(2.0)),
        ("wait_timeout", Some(1.0)),
        ("host_not_allowed", Some(1.0)),
        ("queue_full", Some(1.0)),
        ("superseded", None),
    ] {
        assert_eq!(numbers.refusals(kind), count, "{kind}");
    }
}

#[test]
fn requests_are_counted_by_call_and_status_whatever_strangers_ask_for() {
    let server = Server::start(ONE_SLOT);
    for path in
        ["/get?host=ann&pool=pool1", "//release/?host=ann&pool=pool1", "/", "/page.js", "/healthz", "/readyz"]
    {
        assert_eq!(server.get(path).0, 200);
    }
    for n in 0..5 {
        for path in ["/x", "/v1/x", "/v1/pools/pool1/x", "/v2/", "/metrics/", "/v1/admin/x"] {
            assert_eq!(server.get(&format!("{path}{n}")).0, 404);
        }
        assert_eq!(server.get(&format!("/v1/pools/none{n}/history")).0, 404);
    }
    server.get("/v1/pools");
    server.get("/openapi.json");
    server.connect().ask("/v1/admin/reload");

    let numbers = Numbers::of(&server);

    for call in ["get", "release", "healthz", "readyz", "v1_pools", "openapi"] {
        assert_eq!(numbers.requests(call, 200), 1.0, "{call}");
    }
    assert_eq!([numbers.requests("page", 200), numbers.requests("other", 404)], [2.0, 30.0]);
    assert_eq!([numbers.requests("v1_history", 404), numbers.requests("admin_reload", 405)], [5.0, 1.0]);
    assert!(!numbers.has("none0"), "{numbers:?}");
    assert_eq!(Numbers::of(&server).requests("metrics", 200), 1.0);
}

#[test]
fn pools_appear_with_a_reload_and_are_gone_when_nobody_holds_them_any_more() {
    let site = Site::new("pools: [{name: pool1}]");
    site.reads("pools: [{name: pool1}, {name: new, maxlocks: 7}]");
    assert_eq!(Numbers::of(&site.server).get("pool_slots{pool=\"new\"}"), 7.0);
    assert_eq!(Numbers::of(&site.server).get("leases_ended_total{pool=\"new\",reason=\"expired\"}"), 0.0);
    assert_eq!(site.word("get", "ann", "new"), "YES");

    site.reads("pools: [{name: pool1}]");
    assert_eq!(Numbers::of(&site.server).get("pool_held{pool=\"new\"}"), 1.0);
    assert_eq!(site.word("get", "bob", "new"), "INVALID");
    assert_eq!(site.word("release", "ann", "new"), "OK");
    eventually(|| !Numbers::of(&site.server).has("\"new\""));
    assert_eq!(site.word("get", "bob", "new"), "INVALID");
    assert!(!Numbers::of(&site.server).has("\"new\""));

    site.reads("pools: [{name: pool1}, {name: new}]");
    assert_eq!(site.word("get", "bob", "new"), "YES");
    assert_eq!(Numbers::of(&site.server).get("grants_total{pool=\"new\"}"), 1.0);
    prometheus_takes(&site.server.get("/metrics").1);
}

#[test]
fn writes_to_the_state_directory_are_counted() {
    let server = Server::start(&format!("state_dir: {}\n{ONE_SLOT}", folder().join("state").display()));
    let calls =
        |numbers: &Numbers, what: &str| numbers.get(&format!("backend_{what}_total{{backend=\"state\"}}"));
    let before = Numbers::of(&server);
    server.word("/get?host=ann&pool=pool1");
    server.word("/release?host=ann&pool=pool1");

    let after = Numbers::of(&server);

    assert!(calls(&after, "calls") >= calls(&before, "calls") + 1.0);
    assert_eq!(calls(&after, "errors"), 0.0);
}
