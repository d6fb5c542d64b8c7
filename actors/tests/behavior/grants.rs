//! Grants to waiting hosts, and deliveries that fail.

use std::{future::poll_fn, task::Poll};

use distributex_actors::Refusal;
use distributex_config::Pool;
use tokio::time::Instant;

use super::{Ground, granted, held_by, settle, waiting};
use crate::support::{HostRequests as _, MINUTE, SECOND, name, settings, try_of_owner};

pub(super) async fn freed_slots_go_to_the_waiters_in_order(ground: Ground) {
    let pool = ground.start(settings(), 1_000);
    held_by(&pool, "host0").await;
    let mut answers = Vec::new();
    for n in 1..300 {
        answers.push(waiting(&pool, &format!("host{n}")).await);
    }

    for (n, answer) in answers.into_iter().enumerate() {
        assert!(!answer.is_finished());
        pool.release_host(name(&format!("host{n}"))).await.unwrap();
        granted(&pool, answer).await.delivered();
    }
}

pub(super) async fn a_cancelled_wait_leaves_the_queue_at_once(ground: Ground) {
    let pool = ground.start(Pool { max_waiters: 2, ..settings() }, 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;
    let cid = waiting(&pool, "cid").await;

    bob.abort();
    settle(&pool).await;
    let dan = waiting(&pool, "dan").await; // two permits are free
    pool.release_host(name("ann")).await.unwrap();

    granted(&pool, cid).await.delivered();
    assert!(!dan.is_finished());
}

pub(super) async fn a_grant_that_was_sent_but_never_read_goes_to_the_next(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let cid = {
        let mut bob = Box::pin(pool.wait(name("bob")));
        let first_poll = poll_fn(|cx| Poll::Ready(bob.as_mut().poll(cx))).await;
        assert!(first_poll.is_pending());
        let cid = waiting(&pool, "cid").await;
        pool.release_host(name("ann")).await.unwrap(); // bob's grant is in the channel now
        assert!(!cid.is_finished());
        cid
    };

    granted(&pool, cid).await.delivered();
}

pub(super) async fn a_grant_that_was_read_and_dropped_goes_to_the_next(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let ann = pool.get(name("ann")).await.unwrap();
    let bob = waiting(&pool, "bob").await;

    let token = ann.lease.token;
    drop(ann);

    assert!(granted(&pool, bob).await.lease.token > token);
}

pub(super) async fn a_delivered_grant_stays(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    drop(pool.get(name("ann")).await.unwrap()); // requested again, and disconnected this time

    let bob = pool.get(name("bob")).await;

    assert_eq!(bob.unwrap_err(), Refusal::PoolFull);
}

pub(super) async fn one_delivery_to_five_waits_of_a_host_keeps_the_slot(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let mut bobs = Vec::new();
    for _ in 0..5 {
        bobs.push(waiting(&pool, "bob").await);
    }
    let cid = waiting(&pool, "cid").await;
    pool.release_host(name("ann")).await.unwrap();

    let mut grants = Vec::new();
    for bob in bobs {
        grants.push(granted(&pool, bob).await);
    }
    let last = grants.pop();
    drop(grants); // four of them were disconnected
    settle(&pool).await;
    assert!(!cid.is_finished());
    last.unwrap().delivered();
    settle(&pool).await;
    assert!(!cid.is_finished());

    pool.release_host(name("bob")).await.unwrap();
    granted(&pool, cid).await.delivered();
}

pub(super) async fn an_expired_slot_goes_to_the_longest_waiter(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    ground.pass(&pool, MINUTE - SECOND).await;
    assert!(!bob.is_finished());
    ground.pass(&pool, 2 * SECOND).await;

    granted(&pool, bob).await.delivered();
}

pub(super) async fn leases_end_at_their_own_times_and_wake_one_waiter_each(ground: Ground) {
    let pool = ground.start(Pool { slots: 2, ..settings() }, 10);
    held_by(&pool, "ann").await;
    ground.pass(&pool, MINUTE / 2).await;
    held_by(&pool, "bob").await;
    let cid = waiting(&pool, "cid").await;
    let dan = waiting(&pool, "dan").await;

    ground.pass(&pool, MINUTE / 2 + SECOND).await;
    granted(&pool, cid).await.delivered();
    assert!(!dan.is_finished());
    ground.pass(&pool, MINUTE / 2).await;

    granted(&pool, dan).await.delivered();
}

pub(super) async fn a_renewed_lease_outlives_its_first_end(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let ann = pool.acquire(try_of_owner("ann", "run1")).await.unwrap();
    let lease = ann.lease.id.unwrap();
    ann.delivered();
    let bob = waiting(&pool, "bob").await;
    ground.pass(&pool, MINUTE / 2).await;

    let renewed = pool.renew(lease, None).await.unwrap();
    ground.pass(&pool, MINUTE - SECOND).await;
    assert!(!bob.is_finished());
    ground.pass(&pool, 2 * SECOND).await;
    granted(&pool, bob).await.delivered();

    assert!(renewed.until.is_some_and(|until| until < Instant::now()));
    assert_eq!(pool.renew(lease, None).await, Err(Refusal::LeaseLost));
}
