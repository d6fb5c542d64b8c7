//! Leaving the line: nobody waits for who does not wait any more.

use std::{thread, time::Duration};

use distributex_client::ErrorKind;
use tokio::{select, sync::oneshot};

use super::{ask, client};
use crate::fake::{Fake, Port};

#[actix::test]
async fn who_is_cancelled_leaves_the_line() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let (tell, parked) = oneshot::channel();
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").refuse("423 Locked", "pool_full", "s");
        let asked = fake.asked_v1("acquire");
        tell.send(()).unwrap();
        let left = fake.asked_v1("release");
        assert_eq!((&left.body["host"], &left.body["owner"]), (&"web1".into(), &asked.body["owner"]));
        assert!(left.body.get("lease").is_none());
        left.done();
    });

    let ask = ask();
    select! {
        _ = client.acquire(&ask) => panic!("it came back"),
        told = parked => told.unwrap(),
    }

    client.settled().await;
    server.join().unwrap();
}

#[actix::test]
async fn who_has_waited_long_enough_leaves_the_line() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        fake.asked_v1("acquire").refuse("423 Locked", "pool_full", "s");
        let parked = fake.asked_v1("acquire");
        assert!(parked.body["wait"].as_f64().unwrap() <= 2.0);
        parked.refuse_after(Duration::from_millis(2_050), "wait_timeout");
        drop(fake.asked_v1("release"));
        fake.asked_v1("release").done();
    });

    let error = client.acquire(&ask().within(Duration::from_secs(2))).await.unwrap_err();

    assert_eq!(error.refusal().unwrap().kind, ErrorKind::WaitTimeout);
    client.settled().await;
    server.join().unwrap();
}

#[actix::test]
async fn where_nobody_was_reached_nobody_is_left() {
    let nowhere = Port::take();
    let client = client(&[nowhere.addr()]);

    let error = client.acquire(&ask().within(Duration::from_millis(300))).await.unwrap_err();

    assert!(error.to_string().contains("cannot reach"), "{error}");
    client.settled().await;
}
