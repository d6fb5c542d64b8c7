//! Being told what happens, over connections that end.

use std::thread;

use distributex_client::{Client, ClientError, ErrorKind, Event, Events};
use serde_json::json;

use super::client;
use crate::fake::Fake;

async fn next(events: &mut Events) -> Event {
    loop {
        match events.next().await {
            Ok(event) => return event,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
}

fn of(client: &Client, pools: &[&str]) -> Events {
    client.events(&pools.iter().map(ToString::to_string).collect::<Vec<_>>())
}

#[actix::test]
async fn events_go_on_behind_the_last_one_when_the_connection_ended() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        let first = fake.looked_at("/v1/events?pool=p&pool=a%2Fb");
        assert_eq!(first.header("last-event-id"), None);
        assert_eq!(first.header("accept"), Some("text/event-stream"));
        first.tell("id: s-1\nevent: granted\ndata: {\"pool\": \"p\", \"host\": \"web1\", \"token\": 7}\n\n");
        drop(fake.next());
        fake.next().tell(": nothing\n\n");
        let again = fake.next();
        assert_eq!(again.header("last-event-id"), Some("s-1"));
        again.tell(": still here\n\nid: s-2\nevent: moon\ndata: {\"phase\": 3}\n\nid: s-3\nevent: half");
        let third = fake.next();
        assert_eq!(third.header("last-event-id"), Some("s-2"), "half an event is none");
        third.tell("id: s-3\nevent: paused\ndata: {\"pool\": \"p\", \"author\": \"ann\"}\n\n");
    });
    let mut events = of(&client, &["p", "a/b"]);

    let [granted, moon, paused] = [next(&mut events).await, next(&mut events).await, next(&mut events).await];

    assert_eq!((granted.name.as_str(), granted.data.host.as_deref()), ("granted", Some("web1")));
    assert_eq!((moon.name.as_str(), moon.json.as_str()), ("moon", "{\"phase\": 3}"));
    assert_eq!((paused.id.as_str(), paused.data.author.as_deref()), ("s-3", Some("ann")));
    server.join().unwrap();
}

#[actix::test]
async fn an_id_alone_is_where_it_goes_on() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.looked_at("/v1/events").tell("id: s-7\n\nid: s-8\nevent: store_down");
        let again = fake.next();
        assert_eq!(again.header("last-event-id"), Some("s-7"));
        again.tell("id: s-8\nevent: store_down\ndata: {\"pool\": \"p\"}\n\n");
    });

    assert_eq!(next(&mut of(&client, &[])).await.id, "s-8");

    server.join().unwrap();
}

#[actix::test]
async fn a_server_that_tells_no_events_says_so() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        let no = json!({"kind": "not_found", "message": "this server keeps no events"});
        fake.looked_at("/v1/events").answer_json("404 Not Found", &no);
        fake.looked_at("/v1/events").answer_json("200 OK", &json!({"pools": []}));
    });
    let mut events = of(&client, &[]);

    let error = events.next().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().kind, ErrorKind::NotFound);
    assert!(!error.is_transient());
    let error = events.next().await.unwrap_err();
    assert!(matches!(error, ClientError::Strange { .. }), "{error}");

    server.join().unwrap();
}

#[actix::test]
async fn a_server_with_too_many_readers_is_asked_again() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        let full = json!({"kind": "queue_full", "message": "too many read the events"});
        fake.looked_at("/v1/events").answer_json("429 Too Many Requests", &full);
        fake.looked_at("/v1/events").tell("event: store_down\ndata: {\"pool\": \"p\"}\n\n");
    });
    let mut events = of(&client, &[]);

    assert_eq!(next(&mut events).await.name, "store_down");

    server.join().unwrap();
}
