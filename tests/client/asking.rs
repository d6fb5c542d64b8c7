//! Asking for a slot: once, or again and again at the same place.

use std::{thread, time::Duration};

use distributex_client::{ClientError, ErrorKind, Progress};

use super::{ask, client};
use crate::fake::Fake;

const LOCKED: &str = "423 Locked";

#[actix::test]
async fn an_ask_takes_its_place_and_then_parks_there() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        let first = fake.asked_v1("acquire");
        let owner = first.body["owner"].clone();
        assert_eq!((&first.body["wait"], &first.body["patience"]), (&0.0.into(), &30.0.into()));
        assert_eq!((&first.body["host"], &first.body["ttl"]), (&"web1".into(), &30.0.into()));
        first.refuse(LOCKED, "pool_full", "s");
        for kind in ["wait_timeout", "pool_haunted"] {
            let parked = fake.asked_v1("acquire");
            assert_eq!((&parked.body["wait"], &parked.body["owner"]), (&25.0.into(), &owner));
            parked.refuse(LOCKED, kind, "s");
        }
        fake.asked_v1("acquire").give("s", 30.0);
        let renewed = fake.asked_v1("renew");
        assert_eq!(renewed.body["lease"], "0123", "a lease of a parked ask may be old");
        renewed.give("s", 30.0);
        fake.asked_v1("release").done();
    });
    let mut places = Vec::new();

    let tell = |progress: Progress<'_>| match progress {
        Progress::Waiting(line) => places.push((line.position, line.holders[0].host.clone())),
        Progress::Retrying { .. } => {}
    };
    let lease = client.acquire_with_progress(&ask(), tell).await.unwrap();

    assert_eq!((lease.token(), lease.store(), lease.ttl()), (7, "s", Some(Duration::from_secs(30))));
    assert_eq!(places, vec![(Some(2), "web7".to_owned()); 3]);
    lease.release().await.unwrap();
    server.join().unwrap();
}

#[actix::test]
async fn a_lease_that_was_lost_on_its_way_is_asked_for_again() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").refuse(LOCKED, "pool_full", "s");
        fake.asked_v1("acquire").give("s", 30.0);
        fake.asked_v1("renew").refuse("410 Gone", "lease_lost", "s");
        fake.asked_v1("acquire").give("s", 30.0);
        fake.asked_v1("renew").give("s", 30.0);
        fake.asked_v1("release").done();
    });

    let lease = client.acquire(&ask()).await.unwrap();

    lease.release().await.unwrap();
    server.join().unwrap();
}

#[actix::test]
async fn what_may_pass_is_asked_again_and_what_may_not_is_told() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        drop(fake.asked_v1("acquire"));
        fake.asked_v1("acquire").answer_status("502 Bad Gateway", "<html>");
        fake.asked_v1("acquire").refuse("503 Service Unavailable", "draining", "s");
        fake.asked_v1("acquire").refuse("429 Too Many Requests", "queue_full", "s");
        fake.asked_v1("acquire").refuse("409 Conflict", "superseded", "s");
        assert!(fake.is_left_alone());
    });

    let error = client.acquire(&ask()).await.unwrap_err();

    assert_eq!(error.refusal().unwrap().kind, ErrorKind::Superseded);
    client.settled().await;
    server.join().unwrap();
}

#[actix::test]
async fn when_the_time_is_over_it_is_asked_once_more() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").refuse("503 Service Unavailable", "draining", "s");
        loop {
            let asked = fake.asked_v1("acquire");
            if asked.body["wait"] == 0.0 {
                break asked.give("s", 30.0); // who waits no more has no time left
            }
            asked.refuse("503 Service Unavailable", "draining", "s");
        }
        fake.asked_v1("release").done();
    });
    let limit = Duration::from_secs(1);

    let lease = client.acquire(&ask().within(limit)).await.unwrap();

    assert!(lease.waited() >= limit);
    lease.release().await.unwrap();
    server.join().unwrap();
}

#[actix::test]
async fn trying_is_one_question_and_takes_no_place() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        let asked = fake.asked_v1("acquire");
        assert_eq!((&asked.body["wait"], asked.body.get("patience")), (&0.0.into(), None));
        asked.refuse(LOCKED, "pool_full", "s");
        fake
    });

    let error = client.try_acquire(&ask().note("deploy")).await.unwrap_err();

    assert_eq!(error.refusal().unwrap().kind, ErrorKind::PoolFull);
    client.settled().await;
    assert!(server.join().unwrap().is_left_alone(), "there is nothing to leave");
}

#[actix::test]
async fn a_server_without_v1_is_told_from_a_proxy_in_trouble() {
    for (status, body) in
        [("404 Not Found", "INVALID"), ("405 Method Not Allowed", ""), ("200 OK", "INVALID")]
    {
        let fake = Fake::start();
        let client = client(&[fake.addr()]);
        let server = thread::spawn(move || {
            fake.asked_v1("acquire").answer_status(status, body);
            fake
        });

        assert!(matches!(client.acquire(&ask()).await, Err(ClientError::NoV1 { .. })), "{status}");

        client.settled().await;
        assert!(server.join().unwrap().is_left_alone());
    }
}
