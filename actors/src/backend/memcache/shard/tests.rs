//! Jobs carried out by the threads of a memcached.

use std::{sync::mpsc, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use super::*;
use crate::backend::memcache::{
    job::ClaimResult,
    tests::testing::{LossyProxy, Memcached, TIMEOUT, TestServer, once, server},
};

async fn run(shard: &Shard, job: Job) -> JobDone {
    let (sender, receiver) = oneshot::channel();
    shard.run(job, move |done| sender.send(done).unwrap());
    tokio::time::timeout(TIMEOUT, receiver).await.unwrap().unwrap()
}

fn shard(server: MemcacheServer) -> Shard {
    Shard::start(
        server,
        &MemcacheSettings { timeout: Duration::from_secs(5), ..MemcacheSettings::default() },
        BackendCalls::new("test"),
    )
}

#[actix::test]
async fn jobs_are_done_and_the_store_is_known() {
    let memcached = Memcached::start(&[]);
    let shard = shard(memcached.server());
    assert_eq!(shard.store(), None);

    let done = run(&shard, TestServer::new(&memcached, 1, 1).job(vec![], vec![], vec![once("ann")])).await;

    assert_eq!(done.error, None);
    assert_eq!(done.job.claims[0].found, Some(ClaimResult::Granted));
    assert_eq!(shard.store(), Some(Arc::clone(&done.job.view.store.unwrap().id)));
}

#[actix::test]
async fn an_unreachable_memcached_is_reported_at_once() {
    let unreachable = server(1);
    let shard = shard(unreachable.clone());

    let done = run(&shard, TestServer::at(unreachable, 1, 1).job(vec![], vec![], vec![once("ann")])).await;

    assert_eq!(done.error.as_deref(), Some("memcached 127.0.0.1:1: connection refused"));
    assert_eq!(done.job.claims[0].found, None);
}

#[actix::test]
async fn a_memcached_that_returns_is_found_again() {
    let memcached = Memcached::start(&[]);
    let proxy = LossyProxy::start(1);
    let shard = shard(proxy.server());
    let server = TestServer::at(proxy.server(), 1, 1);
    let mut job = server.job(vec![], vec![], vec![once("ann")]);
    let first = run(&shard, job).await;
    assert!(first.error.unwrap().contains("connection closed"));

    proxy.lead_to(memcached.port);
    job = first.job;
    let deadline = Instant::now() + TIMEOUT;
    let job = loop {
        let done = run(&shard, job).await;
        if done.error.is_none() {
            break done.job;
        }
        assert!(Instant::now() < deadline, "{:?}", done.error);
        tokio::time::sleep(Duration::from_millis(20)).await;
        job = done.job;
    };

    assert_eq!(job.claims[0].found, Some(ClaimResult::Granted));
}

#[actix::test]
async fn a_pool_whose_job_succeeded_may_submit_at_once() {
    let memcached = Memcached::start(&[]);
    let proxy = LossyProxy::start(1);
    let shard = shard(proxy.server());
    let server = TestServer::at(proxy.server(), 1, 1);
    let job = || server.job(vec![], vec![], vec![]);
    assert!(run(&shard, job()).await.error.is_some());
    proxy.lead_to(memcached.port);

    let deadline = Instant::now() + TIMEOUT;
    loop {
        let ((sender, receiver), (again, next)) = (oneshot::channel(), (shard.clone(), job()));
        shard.run(job(), move |done| {
            let (reply, answer) = mpsc::channel();
            again.run(next, move |next| reply.send(next.error).unwrap());
            let next = answer.recv_timeout(TIMEOUT).unwrap(); // this thread continues after that
            sender.send((done.error, next)).unwrap();
        });
        let (first, next) = tokio::time::timeout(TIMEOUT, receiver).await.unwrap().unwrap();
        if first.is_none() {
            assert_eq!(next, None);
            break;
        }
        assert!(Instant::now() < deadline, "{first:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
