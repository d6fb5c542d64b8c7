//! Keeping a slot: renewals, and how a loss is noticed.

use std::{thread, time::Duration};

use distributex_client::LeaseStatus;

use super::{ask, client};
use crate::fake::{Fake, Port};

/// A lease that is renewed after two seconds.
const TTL: Duration = Duration::from_secs(6);

#[actix::test]
async fn a_renewal_that_failed_is_tried_again() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").give("s", 6.0);
        drop(fake.asked_v1("renew"));
        fake.asked_v1("renew").refuse("503 Service Unavailable", "backend_down", "s");
        let renewed = fake.asked_v1("renew");
        assert_eq!((&renewed.body["lease"], &renewed.body["ttl"]), (&"0123".into(), &6.0.into()));
        renewed.give("s", 6.0);
        fake
    });
    let lease = client.acquire(&ask().ttl(TTL)).await.unwrap();
    let mut standing = lease.status();
    let first = standing.borrow_and_update().clone();

    standing.changed().await.unwrap();

    let (LeaseStatus::Held { renewed_at: old, .. }, LeaseStatus::Held { renewed_at: new, ttl, .. }) =
        (first, standing.borrow_and_update().clone())
    else {
        panic!("it was lost")
    };
    assert!(new > old && ttl == Some(TTL));
    let server = server.join().unwrap();
    let released = thread::spawn(move || server.asked_v1("release").done());
    lease.release().await.unwrap();
    released.join().unwrap();
}

#[actix::test]
async fn a_lease_is_lost_when_the_server_says_so() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").give("s", 6.0);
        fake.asked_v1("renew").refuse("410 Gone", "lease_lost", "s");
        fake.asked_v1("release").refuse("410 Gone", "lease_lost", "s");
    });
    let lease = client.acquire(&ask().ttl(TTL)).await.unwrap();

    let why = lease.lost().await;

    assert!(why.contains("every slot is held"), "the server's words: {why}");
    assert!(lease.release().await.is_err());
    server.join().unwrap();
}

#[actix::test]
async fn a_lease_is_lost_when_its_time_is_over() {
    let port = Port::take();
    let fake = Fake::start_at(port.addr());
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").give("s", 6.0);
        drop(fake); // nobody listens there any more
    });
    let lease = client.acquire(&ask().ttl(TTL)).await.unwrap();
    server.join().unwrap();

    let why = lease.lost().await;

    assert!(why.contains("cannot reach"), "{why}");
    assert!(matches!(*lease.status().borrow(), LeaseStatus::Lost { .. }));
}

#[actix::test]
async fn a_lease_that_is_dropped_goes_back() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").give("s", 30.0);
        let released = fake.asked_v1("release");
        assert_eq!(released.body["lease"], "0123");
        released.done();
    });
    let lease = client.acquire(&ask()).await.unwrap();

    drop(lease);

    client.settled().await;
    server.join().unwrap();
}

#[actix::test]
async fn a_release_whose_answer_was_lost_is_done() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").give("s", 30.0);
        drop(fake.asked_v1("release"));
        fake.asked_v1("release").refuse("410 Gone", "lease_lost", "s");
    });
    let lease = client.acquire(&ask()).await.unwrap();

    lease.release().await.unwrap();

    server.join().unwrap();
}
