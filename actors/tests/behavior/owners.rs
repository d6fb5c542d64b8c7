//! Resumable requesters, parking and draining.

use distributex_actors::{AdminAction, AdminOutcome, Refusal, ReleaseTarget};
use distributex_config::Pool;

use super::{Ground, administered, granted, held_by, parked, settle, soon, waiting};
use crate::support::{HostRequests as _, MINUTE, SECOND, name, settings, try_of_owner, wait_of_owner};

pub(super) async fn a_wait_that_timed_out_gets_a_snapshot(ground: Ground) {
    let pool = ground.start(Pool { expire: None, ..settings() }, 10);
    held_by(&pool, "ann").await;
    let web = parked(&pool, wait_of_owner("web", "run1")).await;

    ground.pass(&pool, MINUTE + SECOND).await;

    let denial = soon(&pool, web).await.unwrap_err();
    assert_eq!((denial.why, denial.position), (Refusal::WaitTimeout, Some(1)));
    let state = denial.state.unwrap();
    assert_eq!((state.holders[0].host.as_str(), state.waiting), ("ann", 1));
}

pub(super) async fn a_disconnected_owner_keeps_its_position_and_its_grant(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let web = parked(&pool, wait_of_owner("web", "run1")).await;
    let bob = waiting(&pool, "bob").await;
    web.abort();
    settle(&pool).await;

    pool.release_host(name("ann")).await.unwrap();
    ground.pass(&pool, 9 * SECOND).await;
    assert!(!bob.is_finished());
    let back = pool.acquire(wait_of_owner("web", "run1")).await.unwrap();
    assert!(!back.again);
    back.delivered();
    ground.pass(&pool, 9 * SECOND).await;

    assert!(!bob.is_finished());
}

pub(super) async fn after_the_patience_the_next_waiter_is_served(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let web = pool.acquire(try_of_owner("web", "run1")).await.unwrap();
    let bob = waiting(&pool, "bob").await;

    drop(web); // it disconnected before the delivery
    ground.pass(&pool, 9 * SECOND).await;
    assert!(!bob.is_finished());
    ground.pass(&pool, 2 * SECOND).await;

    granted(&pool, bob).await.delivered();
}

pub(super) async fn a_newer_request_of_an_owner_answers_the_older_one(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let older = parked(&pool, wait_of_owner("web", "run1")).await;

    let newer = parked(&pool, wait_of_owner("web", "run1")).await;
    pool.release_host(name("ann")).await.unwrap();

    assert_eq!(soon(&pool, older).await.unwrap_err().why, Refusal::Superseded);
    let grant = soon(&pool, newer).await.unwrap();
    let held = ReleaseTarget::Lease(grant.lease.id.unwrap());
    grant.delivered();
    assert_eq!(pool.release(held.clone(), None).await, Ok(true));
    assert_eq!(pool.release(held, None).await, Ok(false));
}

pub(super) async fn parked_requests_are_limited_but_not_tries(ground: Ground) {
    let pool = ground.start(settings(), 1);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    let cid = pool.wait(name("cid")).await;
    pool.wait(name("ann")).await.unwrap().delivered();
    bob.abort();
    settle(&pool).await;
    let dan = waiting(&pool, "dan").await;

    assert_eq!(cid.unwrap_err(), Refusal::QueueFull);
    assert!(!dan.is_finished()); // it has bob's permit
    assert_eq!(administered(&pool, AdminAction::Pause).await, Some(AdminOutcome::Set));
    assert_eq!(
        pool.wait(name("eve")).await.unwrap_err(),
        Refusal::QueueFull,
        "as long as the pool is paused, too"
    );
}

pub(super) async fn draining_refuses_waiters_and_serves_releases(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    pool.drain().await;

    assert_eq!(soon(&pool, bob).await.unwrap_err(), Refusal::Draining);
    assert_eq!(pool.release_host(name("ann")).await, Ok(()));
    assert_eq!(pool.get(name("cid")).await.unwrap_err(), Refusal::Draining);
    assert_eq!(pool.wait(name("ann")).await.unwrap_err(), Refusal::Draining);
}
