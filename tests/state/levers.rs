//! What operators did outlives the server.

use serde_json::{Value, json};

use super::{
    keeping,
    restart::{line, parked},
};
use crate::member::{Member, OLGA};

/// One slot, held by `ann`.
fn held_by_ann() -> (Member, Value) {
    let member = keeping(&format!("{OLGA}pools: [{{name: p, expire: 300}}]"));
    let lease = member.gives("ann", "run1");
    (member, lease)
}

fn ticket_of(member: &Member, host: &str) -> Value {
    let (_, state) = member.look("/v1/pools/p");
    let first = state["queue"]["waiters"].as_array().unwrap();
    first.iter().find(|waiting| waiting["host"] == host).unwrap()["ticket"].clone()
}

#[test]
fn a_pause_and_a_place_at_the_front_outlive_a_server_that_is_killed() {
    let (mut member, ann) = held_by_ann();
    let waiters = ["bob", "cid", "dan"].map(|host| parked(&member, host));
    let (status, state) = member.pull("pause", &json!({"reason": "kernel update"}));
    assert_eq!((status, &state["paused"]["author"]), (200, &json!("olga")), "{state}");
    let front = json!({"ticket": ticket_of(&member, "dan"), "reason": "it is late"});
    assert_eq!(member.pull("promote", &front).0, 200);

    member.is_restarted();
    drop(waiters);

    assert_eq!(member.look("/v1/pools/p").1["paused"], state["paused"]);
    assert_eq!(line(&member), ["dan", "bob", "cid"]);
    assert_eq!(member.release(&ann).0, 204);
    let [bob, mut dan] = ["bob", "dan"].map(|host| parked(&member, host));
    assert_eq!(member.ask("get", "eve"), (200, "NO".to_owned()));
    let (status, denied) = member.call("acquire", &json!({"host": "eve"}));
    assert_eq!((status, &denied["kind"], &denied["paused"]), (423, &json!("pool_paused"), &state["paused"]));
    assert!(bob.is_parked(member.server()) && dan.is_parked(member.server()));

    assert_eq!(member.pull("resume", &json!({})).1["paused"], Value::Null);
    assert_eq!(dan.answer().0, 201);
    assert!(bob.is_parked(member.server()));
    member.is_restarted();
    assert_eq!(member.look("/v1/pools/p").1["paused"], Value::Null);
    assert_eq!(line(&member), ["bob", "cid"]);
}

#[test]
fn a_lease_that_was_ended_by_force_and_a_place_that_was_removed_stay_away() {
    let (mut member, ann) = held_by_ann();
    let mut bob = parked(&member, "bob");
    let mut cid = parked(&member, "cid");
    let why = "it is broken";
    let remove = json!({"ticket": ticket_of(&member, "bob"), "reason": why});
    assert_eq!(member.pull("evict", &remove).0, 200);
    assert_eq!(bob.answer().0, 409);
    assert_eq!(member.pull("force-release", &json!({"token": ann["token"], "reason": why})).0, 200);
    assert_eq!(cid.answer().0, 201);

    member.is_restarted();

    assert_eq!(member.renew(&ann), (410, "lease_lost".into()));
    assert!(line(&member).is_empty());
    assert_eq!(member.look("/v1/pools/p").1["holders"][0]["host"], "cid");
}

#[test]
fn a_revoke_outlives_a_server_that_is_killed() {
    let (mut member, ann) = held_by_ann();
    let revoke = json!({"token": ann["token"], "within": 1, "reason": "kernel update"});
    let (status, revoked) = member.pull("revoke", &revoke);
    assert_eq!((status, &revoked["notified"]), (200, &json!(true)), "{revoked}");

    member.is_restarted();

    let holder = member.look("/v1/pools/p").1["holders"][0].clone();
    let (status, renewed) = member.call("renew", &json!({"lease": ann["lease"], "ttl": 300}));
    assert_eq!(
        (status, &renewed["revoked"]),
        (200, &json!({"author": "olga", "reason": "kernel update"})),
        "{renewed}"
    );
    let left = |told: &Value| told["expires_in"].as_f64().unwrap();
    assert!(left(&renewed) <= left(&holder), "{renewed} {holder}");
}

#[test]
fn history_begins_anew_when_a_server_does() {
    let (mut member, ann) = held_by_ann();
    assert_eq!(member.release(&ann).0, 204);
    let (_, history) = member.look("/v1/pools/p/history");
    assert_eq!(history["runs"][0]["host"], "ann", "{history}");

    member.is_restarted();

    assert_eq!(member.look("/v1/pools/p/history").1["runs"], json!([]));
}
