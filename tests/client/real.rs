//! Against the real server: all that can be seen from outside.

use std::{process::Command, time::Duration};

use distributex_client::{AcquireOptions, Client, ClientError, ErrorKind, Lease, LeaseStatus, Progress};
use rustix::process::Signal;
use tokio::{select, sync::oneshot, time::Instant};

use super::{ask, client};
use crate::{
    fake::Port,
    support::{Server, file_with, has_ipv6},
};

const ONE_SLOT: &str = "pools: [{name: p, expire: 300}]";

/// Comes back when a lease was renewed so often.
async fn renewed(lease: &Lease, times: usize) {
    let mut standing = lease.status();
    for _ in 0..times {
        standing.changed().await.unwrap();
        assert!(matches!(*standing.borrow_and_update(), LeaseStatus::Held { .. }));
    }
}

/// Waits for a slot, and says when it stands in line.
async fn wait_in_line(client: Client, in_line: oneshot::Sender<u64>) -> Lease {
    let mut in_line = Some(in_line);
    let tell = |progress: Progress<'_>| match progress {
        Progress::Waiting(line) => {
            if let Some(in_line) = in_line.take() {
                in_line.send(line.position.unwrap()).unwrap();
            }
        }
        Progress::Retrying { .. } => {}
    };
    client.acquire_with_progress(&ask(), tell).await.unwrap()
}

#[actix::test]
async fn a_lease_outlives_its_time_while_it_is_renewed() {
    let server = Server::start(ONE_SLOT);
    let client = client(&[server.addr]);
    let lease = client.acquire(&ask().ttl(Duration::from_secs(3))).await.unwrap();

    renewed(&lease, 4).await;

    let other = client.try_acquire(&ask()).await.unwrap_err();
    assert_eq!(other.refusal().unwrap().kind, ErrorKind::PoolFull);
    assert_eq!(other.refusal().unwrap().queue.as_ref().unwrap().holders[0].token, lease.token());
    lease.release().await.unwrap();
    client.try_acquire(&ask()).await.unwrap().release().await.unwrap();
}

#[actix::test]
async fn two_askers_of_one_host_are_two_and_take_their_turns() {
    let server = Server::start(ONE_SLOT);
    let client = client(&[server.addr]);
    let first = client.acquire(&ask().note("first")).await.unwrap();
    let (tell, told) = oneshot::channel();
    let second = actix::spawn(wait_in_line(client.clone(), tell));
    assert_eq!(told.await, Ok(1));
    let (tell, told) = oneshot::channel();
    let third = actix::spawn(wait_in_line(client.clone(), tell));
    assert_eq!(told.await, Ok(2));

    let token = first.token();
    first.release().await.unwrap();
    let second = second.await.unwrap();

    assert!(second.token() > token && !third.is_finished());
    second.release().await.unwrap();
    third.await.unwrap().release().await.unwrap();
}

#[actix::test]
async fn who_is_cancelled_is_out_of_the_line() {
    let server = Server::start(ONE_SLOT);
    let client = client(&[server.addr]);
    let held = client.acquire(&ask()).await.unwrap();
    let (tell, told) = oneshot::channel();
    select! {
        _ = wait_in_line(client.clone(), tell) => panic!("it got a slot"),
        told = told => assert_eq!(told, Ok(1)),
    }

    client.settled().await;

    assert!(server.get("/v1/pools/p").1.contains(r#""length":0"#));
    held.release().await.unwrap();
}

#[actix::test]
async fn what_makes_no_sense_is_told_at_once() {
    let server = Server::start("pools: [{name: q}, {name: p, servers: acme1}]");
    let client = client(&[server.addr]);

    let error = client.acquire(&ask()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().kind, ErrorKind::HostNotAllowed);

    let server = Server::start("pools: [{name: q}]");
    let error = super::client(&[server.addr]).acquire(&ask()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().kind, ErrorKind::NoSuchPool);
}

#[actix::test]
async fn a_server_that_forgot_its_leases_is_noticed_and_a_waiter_goes_on() {
    let port = Port::take();
    let mut server = Server::start_at(ONE_SLOT, port.addr());
    let client = client(&[server.addr]);
    let lease = client.acquire(&ask().ttl(Duration::from_secs(3))).await.unwrap();
    let (tell, told) = oneshot::channel();
    let waiter = actix::spawn(wait_in_line(client.clone(), tell));
    told.await.unwrap();

    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let _server = Server::start_at(ONE_SLOT, port.addr());

    let why = lease.lost().await;
    assert!(why.contains("no such lease"), "{why}");
    waiter.await.unwrap().release().await.unwrap();
}

#[actix::test]
async fn a_frozen_server_costs_the_lease_when_its_time_is_over() {
    let server = Server::start(ONE_SLOT);
    let client = client(&[server.addr]);
    let lease = client.acquire(&ask().ttl(Duration::from_secs(2))).await.unwrap();

    server.freeze();

    let why = lease.lost().await;
    assert!(why.contains("does not respond"), "{why}");
    server.signal(Signal::CONT);
    let _ = lease.release().await; // it may have expired there
    client.try_acquire(&ask()).await.unwrap().release().await.unwrap();
}

#[actix::test]
async fn a_frozen_server_does_not_keep_who_has_no_more_time() {
    let server = Server::start(ONE_SLOT);
    server.freeze();
    let asked = Instant::now();

    let ask = ask().within(Duration::from_millis(300));
    let error = client(&[server.addr]).acquire(&ask).await.unwrap_err();

    assert!(matches!(error, ClientError::Silent { .. }), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(9), "an answer may take ten");
}

#[actix::test]
async fn an_address_of_ipv6_is_as_good() {
    if !has_ipv6() {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    let server = Server::spawn(command.arg("-c").arg(file_with(ONE_SLOT)).args(["--listen", "[::1]:0"]));
    let client = client(&[server.addr]);

    let lease = client.acquire(&ask()).await.unwrap();

    assert!(lease.server().to_string().starts_with("[::1]:"));
    lease.release().await.unwrap();
}

#[actix::test]
async fn a_pool_without_an_end_gives_leases_without_one() {
    let server = Server::start("pools: [{name: p, expire: 0}]");
    let client = client(&[server.addr]);

    let lease = client.acquire(&AcquireOptions::new("p", "web1")).await.unwrap();

    assert_eq!(lease.ttl(), None);
    assert!(matches!(*lease.status().borrow(), LeaseStatus::Held { ttl: None, .. }));
    lease.release().await.unwrap();
}
