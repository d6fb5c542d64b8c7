//! A holder that is asked to stop: its renewals say so, and its slot is free when it has stopped.

use serde_json::{Value, json};

use super::{Answer, admin_effects::Site, answer, call, events::Stream, look, release, state};

/// Ann's lease of the only slot, which lives for a minute.
fn site() -> (Site, Answer) {
    let site = Site::new("{name: pool1, expire: 300}");
    let ann = call(&site.server, "pool1/acquire", &json!({"host": "ann", "owner": "o", "ttl": 60}));
    (site, ann)
}

/// How many seconds from now that is.
fn seconds_until(moment: &Value) -> i64 {
    let moment: jiff::Timestamp = moment.as_str().unwrap().parse().unwrap();
    moment.as_second() - jiff::Timestamp::now().as_second()
}

fn by_eve() -> Value {
    json!({"author": "eve", "reason": "a test"})
}

#[test]
fn the_holder_is_told_by_renewals_and_the_next_gets_the_slot_when_it_releases() {
    let (site, ann) = site();
    let mut bob = site.waits("bob");
    let token = &ann.body["token"];

    let revoked = site.pulls("revoke", json!({"token": token, "within": 100}));
    let renewed = call(&site.server, "pool1/renew", &json!({"lease": ann.granted()}));
    let repeated = call(&site.server, "pool1/acquire", &json!({"host": "ann", "owner": "o", "ttl": 300}));

    assert_eq!((revoked.status, revoked.text("host"), &revoked.body["token"]), (200, "ann", token));
    assert_eq!(revoked.body["notified"], true);
    assert!((98..=101).contains(&seconds_until(&revoked.body["until"])), "{revoked:?}");
    assert_eq!((renewed.status, &renewed.body["revoked"]), (200, &by_eve()), "{renewed:?}");
    assert!(renewed.number("expires_in") > 50.0);
    assert_eq!((repeated.status, &repeated.body["revoked"]), (200, &by_eve()), "{repeated:?}");
    let (ttl, left) = (repeated.number("ttl"), repeated.number("expires_in"));
    assert!(ttl > 90.0 && ttl <= 100.0 && left <= ttl, "{repeated:?}");
    assert!(bob.is_parked(&site.server));
    release(&site.server, ann.granted());
    answer(&mut bob).granted();
    site.logs(&format!("revoked pool=pool1 host=ann token={token} notified=true"));
}

#[test]
fn the_event_the_holder_and_the_history_name_who_revoked_it_and_why() {
    let (site, ann) = site();
    let token = &ann.body["token"];
    let mut stream = Stream::of(&site.server, "");

    let revoked = site.pulls("revoke", json!({"token": token}));

    let told = stream.next().unwrap();
    assert_eq!(
        (told.event.as_str(), &told.data["host"], &told.data["token"]),
        ("revoked", &json!("ann"), token)
    );
    assert_eq!((&told.data["author"], &told.data["reason"]), (&json!("eve"), &json!("a test")));
    let holder = look(&site.server, &format!("/v1/pools/pool1/holders/{token}")).body;
    let until = &holder["revoked"]["until"];
    assert_eq!(holder["revoked"]["author"], "eve", "{holder}");
    assert!((seconds_until(until) - seconds_until(&revoked.body["until"])).abs() <= 1, "{holder}");
    assert_eq!(state(&site.server)["holders"][0]["revoked"]["reason"], "a test");
    release(&site.server, ann.granted());
    let told = stream.next().unwrap();
    assert_eq!((told.event.as_str(), &told.data["author"]), ("released", &json!("eve")));
    let history = look(&site.server, "/v1/pools/pool1/history").body;
    let run = &history["runs"][0];
    assert_eq!(
        (&run["how"], &run["author"], &run["reason"]),
        (&json!("released"), &json!("eve"), &json!("a test"))
    );
    let again = call(&site.server, "pool1/release", &json!({"lease": ann.granted()}));
    assert_eq!(again.body["ended"]["author"], "eve");
    assert!(
        again.text("message").starts_with("this lease was revoked by eve: \"a test\", and released "),
        "{again:?}"
    );
}

#[test]
fn a_classic_holder_is_not_notified_and_keeps_its_slot() {
    let site = Site::new("{name: pool1, expire: 300}");
    assert_eq!(site.server.word("/get?host=ann&pool=pool1"), "YES");
    let token = &state(&site.server)["holders"][0]["token"];

    let revoked = site.pulls("revoke", json!({"token": token, "within": 1}));

    assert_eq!((revoked.status, &revoked.body["notified"]), (200, &json!(false)));
    assert!((298..=301).contains(&seconds_until(&revoked.body["until"])), "{revoked:?}");
    assert_eq!(site.server.word("/get?host=ann&pool=pool1"), "YES");
    assert_eq!(site.server.word("/get?host=bob&pool=pool1"), "NO");
}

#[test]
fn a_revoke_without_a_reason_or_a_holder_changes_nothing() {
    let (site, ann) = site();
    let revokes = |body: Value| site.pulls("revoke", body).refusal().0;

    assert_eq!(revokes(json!({"token": 17})), 404);
    assert_eq!(revokes(json!({})), 400);
    assert_eq!(revokes(json!({"token": ann.body["token"], "within": -1})), 400);
    assert_eq!(revokes(json!({"token": ann.body["token"], "within": "1"})), 400);
    let renewed = call(&site.server, "pool1/renew", &json!({"lease": ann.granted()}));
    assert_eq!((renewed.status, renewed.body.get("revoked")), (200, None));
}
