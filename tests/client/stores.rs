//! Several servers: the one that works, and only those of one store.

use std::thread;

use distributex_client::ClientError;

use super::{ask, client};
use crate::fake::{Fake, Port};

#[actix::test]
async fn the_next_server_is_asked_when_one_is_away() {
    let (nowhere, first, second) = (Port::take(), Fake::start(), Fake::start());
    let client = client(&[nowhere.addr(), first.addr(), second.addr()]);
    let server = thread::spawn(move || {
        first.asked_v1("acquire").refuse("503 Service Unavailable", "draining", "s");
        second.asked_v1("acquire").give("s", 30.0);
        second.asked_v1("release").done(); // stays with the one that works
        assert!(first.is_left_alone());
        second.addr()
    });

    let lease = client.try_acquire(&ask()).await.unwrap();
    let server_of_lease = lease.server().to_string();
    lease.release().await.unwrap();

    assert_eq!(server_of_lease, server.join().unwrap().to_string());
}

#[actix::test]
async fn another_store_is_refused_and_its_grant_goes_back() {
    let port = Port::take(); // stays ours when nobody listens there any more
    let (first, second) = (Fake::start_at(port.addr()), Fake::start());
    let client = client(&[first.addr(), second.addr()]);
    let server = thread::spawn(move || {
        first.asked_v1("acquire").refuse("423 Locked", "pool_full", "one");
        drop(first);
        second.asked_v1("acquire").give("other", 30.0);
        let back = second.asked_v1("release");
        assert_eq!(back.body["lease"], "0123");
        back.done();
        second
    });

    let error = client.acquire(&ask()).await.unwrap_err();

    assert!(
        matches!(&error, ClientError::OtherStore { store, first, .. } if store == "other" && first == "one")
    );
    assert!(error.to_string().contains("give only servers that share a store"), "{error}");
    drop(server.join().unwrap());
    client.settled().await;
}

#[actix::test]
async fn a_place_in_another_store_is_given_up() {
    let port = Port::take(); // stays ours when nobody listens there any more
    let (first, second) = (Fake::start_at(port.addr()), Fake::start());
    let client = client(&[first.addr(), second.addr()]);
    let server = thread::spawn(move || {
        first.asked_v1("acquire").refuse("423 Locked", "pool_full", "one");
        drop(first);
        let asked = second.asked_v1("acquire");
        let owner = asked.body["owner"].clone();
        asked.refuse("423 Locked", "pool_full", "other");
        let left = second.asked_v1("release");
        assert_eq!(left.body["owner"], owner);
        left.done();
        second
    });

    assert!(matches!(client.acquire(&ask()).await, Err(ClientError::OtherStore { .. })));

    drop(server.join().unwrap());
    client.settled().await;
}

#[actix::test]
async fn a_server_that_was_restarted_without_its_memory_is_gone_on_with() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").refuse("423 Locked", "pool_full", "before");
        fake.asked_v1("acquire").give("after", 30.0);
        fake.asked_v1("renew").give("after", 30.0);
        fake.asked_v1("release").done();
    });

    let lease = client.acquire(&ask()).await.unwrap();

    assert_eq!(lease.store(), "after");
    lease.release().await.unwrap();
    server.join().unwrap();
}
