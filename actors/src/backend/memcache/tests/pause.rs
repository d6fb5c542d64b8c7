//! Pauses and several servers.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::SystemTime,
};

use tokio::time::Instant;

use super::testing::{LossyProxy, Memcached, TIMEOUT, TestServer, end, host, once, owner};
use crate::{
    backend::memcache::job::{ClaimResult, LeaseSelector, planned_write::PlannedWrite},
    pool::{LeaseId, Operator},
};

fn operator(author: &str) -> Option<Operator> {
    Some(Operator { author: author.into(), reason: "kernel update".into(), at: SystemTime::UNIX_EPOCH })
}

/// The operator who paused the pool, as this server sees it.
fn paused_by(server: &mut TestServer) -> Option<Operator> {
    server.read_pool().paused.as_ref().map(|pause| pause.operator.clone())
}

#[test]
fn a_server_sees_a_new_pause_before_it_grants() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut two) = (TestServer::new(&memcached, 1, 2), TestServer::new(&memcached, 2, 2));
    let ann = owner("ann", "run1");
    let ann_id = ann.id;
    assert_eq!(two.claim(vec![ann]), [ClaimResult::Granted]);

    one.pause(operator("olga"));

    assert_eq!(two.claim(vec![once("bob"), host("cid")]), [ClaimResult::NoSlot, ClaimResult::NoSlot]);
    assert_eq!(two.view.taken_from(0), 1, "what they took is given back");
    assert_eq!(paused_by(&mut two), operator("olga"));
    assert!(two.renew(ann_id), "a holder may renew");
    assert_eq!(two.claim(vec![owner("ann", "run1")]), [ClaimResult::AlreadyHeld(ann_id)]);
    let (job, result) = two.run(vec![end(LeaseSelector::Lease(ann_id))], vec![], vec![host("cid")]);
    assert_eq!(
        (result, job.ends[0].had, job.claims[0].found),
        (Ok(()), Some(true), Some(ClaimResult::NoSlot))
    );

    one.pause(None);

    assert_eq!(two.claim(vec![once("bob")]), [ClaimResult::Granted], "though it had seen the pause");
    assert_eq!(paused_by(&mut two), None);
}

#[test]
fn the_latest_pause_counts_and_outlives_its_server() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut two) = (TestServer::new(&memcached, 1, 1), TestServer::new(&memcached, 2, 1));

    one.pause(operator("olga"));
    two.pause(operator("otto"));
    assert_eq!(paused_by(&mut one), operator("otto"));
    assert_eq!(paused_by(&mut TestServer::new(&memcached, 3, 1)), operator("otto"));
    one.pause(None);
    two.pause(None);

    assert_eq!(paused_by(&mut two), None);
}

#[test]
fn a_slot_taken_after_a_pause_has_no_holder() {
    let memcached = Memcached::start(&[]);
    let proxy = LossyProxy::start(memcached.port);
    let (mut one, mut two) = (TestServer::at(proxy.server(), 1, 1), TestServer::new(&memcached, 2, 1));
    one.read_pool();
    two.pause(operator("olga"));

    proxy.lose(2);
    let (mut job, result) = one.run(vec![], vec![], vec![owner("ann", "run1")]);
    assert!(result.is_err());
    assert_eq!(two.read_pool().taken_from(0), 1);

    assert_eq!(two.claim(vec![owner("ann", "run1")]), [ClaimResult::NoSlot]);
    assert_eq!(one.claim(vec![job.claims.remove(0)]), [ClaimResult::NoSlot]);
    assert_eq!(one.view.taken_from(0), 0);
}

#[test]
fn a_pause_without_a_reply_is_written_again() {
    let memcached = Memcached::start(&[]);
    let proxy = LossyProxy::start(memcached.port);
    let mut server = TestServer::at(proxy.server(), 1, 1);
    server.read_pool();

    proxy.lose(1);
    server.pause(operator("olga"));

    assert_eq!(paused_by(&mut server), operator("olga"));
}

#[test]
fn a_pause_that_arrives_after_its_end_does_not_pause() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut network) = (TestServer::new(&memcached, 1, 1), TestServer::new(&memcached, 2, 1));
    let mut job = one.job(vec![], vec![], vec![]);
    job.unanswered(&PlannedWrite::Pause { cas: None, to: operator("olga") });
    one.unsettled = job.unsettled;

    one.pause(None);
    network.pause(operator("olga"));
    assert_eq!(one.claim(vec![once("ann")]), [ClaimResult::Granted]);
    assert_eq!(paused_by(&mut network), None);

    network.pause(operator("otto"));
    assert_eq!(one.claim(vec![once("bob")]), [ClaimResult::NoSlot], "another word counts");
}

/// What the servers and the operator share.
#[derive(Debug, Default)]
struct Scene {
    /// Holders when the pause was answered; `None` while the pool is not paused.
    holders: Mutex<Option<HashSet<LeaseId>>>,
    /// Number of answered claims.
    claims: AtomicUsize,
    /// Number of granted claims.
    grants: AtomicUsize,
    /// Whether the race is over.
    is_over: AtomicBool,
}

impl Scene {
    /// Waits until the counter has grown by `more`.
    fn await_more(counter: &AtomicUsize, more: usize) {
        let (start, goal) = (Instant::now(), counter.load(Ordering::SeqCst) + more);
        while counter.load(Ordering::SeqCst) < goal {
            assert!(start.elapsed() < TIMEOUT, "nothing goes on");
            thread::yield_now();
        }
    }
}

#[test]
fn no_racing_grant_is_missing_in_the_answer_of_a_pause() {
    const PAUSES: usize = 30;
    let (memcached, scene) = (Memcached::start(&[]), Arc::new(Scene::default()));
    let mut operators = TestServer::new(&memcached, 9, 3);
    let servers: Vec<_> = (1..=3)
        .map(|server| {
            let (mut server, scene) = (TestServer::new(&memcached, server, 3), Arc::clone(&scene));
            thread::spawn(move || {
                while !scene.is_over.load(Ordering::SeqCst) {
                    let claim = once("ann");
                    let id = claim.id;
                    let (job, result) = server.run(vec![], vec![], vec![claim]);
                    if result.is_ok() && job.claims[0].found == Some(ClaimResult::Granted) {
                        if let Some(holders) = &*scene.holders.lock().unwrap() {
                            assert!(holders.contains(&id), "granted behind the pause");
                        }
                        scene.grants.fetch_add(1, Ordering::SeqCst);
                        while server.run(vec![end(LeaseSelector::Lease(id))], vec![], vec![]).0.ends[0]
                            .had
                            .is_none()
                        {}
                    }
                    scene.claims.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();

    for _ in 0..PAUSES {
        Scene::await_more(&scene.grants, 3);
        operators.pause(operator("olga"));
        let holders = operators.view.held().map(|(_, held)| held.entry.id).collect();
        *scene.holders.lock().unwrap() = Some(holders);
        Scene::await_more(&scene.claims, 9);
        *scene.holders.lock().unwrap() = None;
        operators.pause(None);
    }

    scene.is_over.store(true, Ordering::SeqCst);
    servers.into_iter().for_each(|server| server.join().unwrap());
    assert_eq!(operators.read_pool().taken_from(0), 0, "no slot is held");
}
