//! A client whose lease is over is told how that came.

use serde_json::{Value, json};

use super::{Answer, admin_effects::Site, answer, call, held_by_ann, parked, release};
use crate::support::{ONE_SLOT, Server};

/// How the lease ended, as a refused request tells.
fn ended(lost: &Answer) -> &Value {
    assert_eq!(lost.refusal(), (410, "lease_lost"), "{lost:?}");
    &lost.body["ended"]
}

#[test]
fn who_repeats_a_release_is_told_that_it_was_released() {
    let server = Server::start(ONE_SLOT);
    let lease = held_by_ann(&server);
    release(&server, &lease);

    for (request, body) in [
        ("pool1/release", json!({"lease": lease})),
        ("pool1/release", json!({"host": "ann", "owner": "o"})),
        ("pool1/renew", json!({"lease": lease})),
    ] {
        let lost = call(&server, request, &body);

        assert_eq!(ended(&lost)["how"], "released", "{lost:?}");
        assert_eq!([&ended(&lost)["author"], &ended(&lost)["reason"]], [&Value::Null, &Value::Null]);
        assert_eq!(lost.text("message"), "this lease was released 0 s ago");
    }
}

#[test]
fn the_holder_of_an_expired_lease_is_told_so() {
    let server = Server::start(ONE_SLOT);
    let lease = call(&server, "pool1/acquire", &json!({"host": "ann", "ttl": 0.5}));
    let mut bob = parked(&server, &json!({"host": "bob", "wait": 30}));
    answer(&mut bob).granted();

    let lost = call(&server, "pool1/renew", &json!({"lease": lease.granted()}));

    assert_eq!(ended(&lost)["how"], "expired", "{lost:?}");
    assert!(lost.text("message").starts_with("this lease expired "), "{lost:?}");
}

#[test]
fn who_lost_a_lease_to_an_operator_is_told_to_whom_and_why() {
    let site = Site::new("{name: pool1, expire: 300}");
    let ann = call(&site.server, "pool1/acquire", &json!({"host": "ann", "owner": "o"}));
    assert_eq!(site.pulls("force-release", json!({"token": ann.body["token"]})).status, 200);

    for (request, body) in [
        ("pool1/renew", json!({"lease": ann.granted()})),
        ("pool1/release", json!({"lease": ann.granted()})),
        ("pool1/release", json!({"host": "ann", "owner": "o"})),
    ] {
        let lost = call(&site.server, request, &body);

        let (author, reason) = (&ended(&lost)["author"], &ended(&lost)["reason"]);
        assert_eq!([&ended(&lost)["how"], author, reason], ["force_released", "eve", "a test"], "{lost:?}");
        assert_eq!(lost.text("message"), "this lease was force-released by eve: \"a test\"");
    }
}

#[test]
fn who_does_not_name_a_secret_of_the_lease_is_told_nothing() {
    let server = Server::start(ONE_SLOT);
    let lease = held_by_ann(&server);
    release(&server, &lease);

    for body in [
        json!({"lease": "0".repeat(32)}),
        json!({"lease": "x"}),
        json!({"host": "ann", "owner": "other"}),
        json!({"host": "bob", "owner": "o"}),
    ] {
        let lost = call(&server, "pool1/release", &body);

        assert_eq!(*ended(&lost), Value::Null, "{lost:?}");
    }
}
