//! Looking how it stands.

use std::{thread, time::Duration};

use distributex_client::{ClientError, ErrorKind};
use serde_json::json;

use super::{ask, client};
use crate::{fake::Fake, support::Server};

#[actix::test]
async fn all_pools_and_one_are_told_with_their_holders() {
    let server = Server::start("pools: [{name: a/b, expire: 300}, {name: p, expire: 300, maxlocks: 2}]");
    let client = client(&[server.addr]);
    let lease = client.acquire(&ask().note("nightly")).await.unwrap();

    let pools = client.pools().await.unwrap();
    let one = client.pool("a/b").await.unwrap().value;

    assert_eq!(pools.server.to_string(), server.addr.to_string());
    assert!(pools.json.starts_with(r#"{"pools":[{"name":"a/b""#), "{}", pools.json);
    assert_eq!((one.name.as_str(), one.slots, one.held), ("a/b", 1, 0));
    let [_, p] = pools.value.try_into().unwrap();
    assert_eq!((p.name.as_str(), p.slots, p.held, p.queue.length), ("p", 2, 1, 0));
    let holder = &p.holders[0];
    assert_eq!((holder.host.as_str(), holder.token), ("web1", lease.token()));
    assert_eq!(holder.command.as_deref(), Some("nightly"));
    assert!(holder.since.is_some() && holder.expires_in.unwrap() <= Duration::from_secs(30));
    lease.release().await.unwrap();
}

#[actix::test]
async fn who_waits_is_told_in_order() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        let first = [
            json!({"ticket": 4, "host": "web9", "waited": 180.5, "present": true}),
            json!({"ticket": 7, "host": "web8", "waited": 2, "present": false, "later": 1}),
        ];
        let state = json!({"name": "p", "slots": 1, "held": 0, "holders": [],
            "queue": {"length": 9, "waiters": first}, "store": "s"});
        fake.looked_at("/v1/pools/p").answer_json("200 OK", &state);
    });

    let line = client.pool("p").await.unwrap().value.queue;

    assert_eq!(line.length, 9);
    let told: Vec<_> = line.waiters.iter().map(|waiter| (waiter.ticket, waiter.present)).collect();
    assert_eq!(told, [(4, true), (7, false)]);
    assert_eq!(line.waiters[0].waited, Some(Duration::from_millis(180_500)));
    server.join().unwrap();
}

#[actix::test]
async fn what_is_not_there_is_told() {
    let server = Server::start("pools: [{name: p}]");

    let error = client(&[server.addr]).pool("..").await.unwrap_err();

    assert_eq!(error.refusal().unwrap().kind, ErrorKind::NoSuchPool);
}

#[actix::test]
async fn the_next_server_is_looked_at_but_none_of_another_store() {
    let (first, second) = (Fake::start(), Fake::start());
    let client = client(&[first.addr(), second.addr()]);
    let state = |store| json!({"pools": [], "store": store});
    let server = thread::spawn(move || {
        first.looked_at("/v1/pools").answer_json("200 OK", &state("one"));
        first.looked_at("/v1/pools").refuse("503 Service Unavailable", "draining", "one");
        second.looked_at("/v1/pools").answer_json("200 OK", &state("one"));
        second.looked_at("/v1/pools").answer_json("200 OK", &state("other"));
        first.looked_at("/v1/pools").refuse("503 Service Unavailable", "draining", "one");
    });

    assert_eq!(client.pools().await.unwrap().json, state("one").to_string());
    client.pools().await.unwrap();
    let error = client.pools().await.unwrap_err();

    assert!(matches!(error, ClientError::OtherStore { .. }), "{error}");
    server.join().unwrap();
}

#[actix::test]
async fn what_tells_no_state_is_none_of_ours() {
    for (status, body, is_old) in [
        ("404 Not Found", "INVALID", true),
        ("200 OK", "<html>", false),
        ("200 OK", "{}", false),
        ("204 No Content", "", false),
    ] {
        let fake = Fake::start();
        let client = client(&[fake.addr()]);
        let server = thread::spawn(move || fake.looked_at("/v1/pools").answer_status(status, body));

        let error = client.pools().await.unwrap_err();

        assert_eq!(matches!(error, ClientError::NoV1 { .. }), is_old, "{status} {body}: {error}");
        assert_eq!(matches!(error, ClientError::Strange { .. }), !is_old, "{status} {body}: {error}");
        server.join().unwrap();
    }
}
