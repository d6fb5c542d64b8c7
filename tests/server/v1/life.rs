//! A lease, from its grant to its end.

use serde_json::{Value, json};

use super::{answer, call, look, parked, release, state};
use crate::support::{ONE_SLOT, Server};

const POOLS: &str = "
pools:
  - {name: pool1, expire: 300}
  - {name: endless, expire: 0, maxlocks: 9}
  - {name: 'ä/b c', maxlocks: 2}
";

#[test]
fn a_lease_is_taken_renewed_looked_at_and_given_back() {
    let server = Server::start(ONE_SLOT);

    let lease = call(&server, "pool1/acquire", &json!({"host": "ann", "ttl": 30, "command": "apt upgrade"}));
    let (id, token) = (lease.granted(), &lease.body["token"]);
    let shown = lease.body.as_object().unwrap();
    let keys = ["lease", "token", "pool", "host", "ttl", "expires_in", "expires_at", "waited", "store"];
    assert!(shown.len() == keys.len() && keys.iter().all(|key| shown.contains_key(*key)), "{lease:?}");
    assert_eq!((lease.text("pool"), lease.text("host")), ("pool1", "ann"));
    assert_eq!((&lease.body["ttl"], &lease.body["waited"]), (&json!(30), &json!(0)));
    assert!(lease.number("expires_in") > 29.0 && lease.number("expires_in") <= 30.0);

    let renewed = call(&server, "pool1/renew", &json!({"lease": id, "ttl": 60.5}));
    assert_eq!((renewed.status, renewed.text("lease"), &renewed.body["ttl"]), (200, id, &json!(60.5)));
    assert!(renewed.number("expires_in") > 59.0);

    let state = state(&server);
    assert_eq!([&state["name"], &state["slots"], &state["held"]], [&json!("pool1"), &json!(1), &json!(1)]);
    let holder = look(&server, &format!("/v1/pools/pool1/holders/{token}"));
    assert_eq!((holder.status, holder.text("command")), (200, "apt upgrade"));
    assert_eq!((&holder.body["token"], &holder.body["host"]), (token, &json!("ann")));

    release(&server, id);
    assert_eq!(call(&server, "pool1/release", &json!({"lease": id})).refusal(), (410, "lease_lost"));
    assert_eq!(call(&server, "pool1/renew", &json!({"lease": id})).refusal(), (410, "lease_lost"));
    let holder = look(&server, &format!("/v1/pools/pool1/holders/{token}"));
    assert_eq!(holder.refusal(), (404, "not_found"));
}

#[test]
fn a_ttl_is_that_of_the_pool_if_none_is_named_and_shortened_if_it_is_longer() {
    let server = Server::start(POOLS);

    for (wanted, ttl) in [(json!(null), 300), (json!(1e300), 300), (json!(301), 300), (json!(2), 2)] {
        let lease = call(&server, "pool1/acquire", &json!({"host": "ann", "owner": "o", "ttl": wanted}));
        assert_eq!(lease.body["ttl"], json!(ttl), "{wanted}");
        assert!(lease.number("expires_in") <= f64::from(ttl));
    }
}

#[test]
fn without_an_expire_a_lease_without_a_ttl_has_no_end() {
    let server = Server::start(POOLS);

    let lease = call(&server, "endless/acquire", &json!({"host": "ann"}));
    lease.granted();
    for key in ["ttl", "expires_in", "expires_at"] {
        assert_eq!(lease.body.get(key), Some(&Value::Null), "{key}");
    }
    let state = look(&server, "/v1/pools/endless").body;
    assert_eq!(state["holders"][0]["expires_in"], Value::Null);

    let lease = call(&server, "endless/acquire", &json!({"host": "bob", "ttl": 1e12}));
    assert_eq!(lease.body["ttl"], json!(315_360_000));
}

#[test]
fn a_lease_that_is_not_renewed_goes_to_the_next() {
    let server = Server::start(ONE_SLOT);
    let lease = call(&server, "pool1/acquire", &json!({"host": "ann", "ttl": 1.5}));
    let mut bob = parked(&server, &json!({"host": "bob", "wait": 30}));

    let next = answer(&mut bob);

    next.granted();
    assert!(next.number("token") > lease.number("token"));
    assert!(next.number("waited") > 0.0, "{next:?}");
    let lost = call(&server, "pool1/renew", &json!({"lease": lease.text("lease")}));
    assert_eq!(lost.refusal(), (410, "lease_lost"));
}

#[test]
fn tokens_rise_with_every_grant_and_over_a_restart_and_a_store_is_another_one_then() {
    let mut last = 0.0;
    let mut stores = Vec::new();
    for _ in 0..2 {
        let server = Server::start(ONE_SLOT);
        for _ in 0..3 {
            let lease = call(&server, "pool1/acquire", &json!({"host": "ann"}));
            assert!(lease.number("token") > last);
            last = lease.number("token");
            stores.push(lease.text("store").to_owned());
            release(&server, lease.granted());
        }
    }
    stores.dedup();
    assert_eq!(stores.len(), 2);
}

#[test]
fn names_are_percent_encoded_in_paths_and_plain_in_json() {
    let server = Server::start(POOLS);

    let lease = call(&server, "%C3%A4%2fb%20c/acquire", &json!({"host": "grüße/😀"}));

    lease.granted();
    assert_eq!((lease.text("pool"), lease.text("host")), ("ä/b c", "grüße/😀"));
    let all = look(&server, "/v1/pools").body;
    let names: Vec<_> = all["pools"].as_array().unwrap().iter().map(|pool| &pool["name"]).collect();
    assert_eq!(names, ["pool1", "endless", "ä/b c"]);
    assert_eq!(all["pools"][2]["holders"][0]["host"], "grüße/😀");
    assert_eq!(call(&server, "%C3%A4/b%20c/acquire", &json!({"host": "ann"})).refusal(), (404, "not_found"));
    assert_eq!(call(&server, "%ff/acquire", &json!({"host": "ann"})).refusal(), (404, "no_such_pool"));
}

#[test]
fn a_command_is_cut_and_has_no_control_characters() {
    let server = Server::start(POOLS);

    for (host, command, kept) in [
        ("ann", "a\tb\u{1b}[31m\u{85}c".to_owned(), "a b [31m c".to_owned()),
        ("bob", "ü".repeat(128), "ü".repeat(127)),
    ] {
        let lease = call(&server, "endless/acquire", &json!({"host": host, "command": command}));
        let holder = look(&server, &format!("/v1/pools/endless/holders/{}", lease.body["token"]));
        assert_eq!(holder.text("command"), kept);
    }
}
