//! Changes of the configuration.

use distributex_actors::{Refusal, ReleaseTarget};
use distributex_config::{Limits, Pool};

use super::{Ground, granted, held_by, parked, settle, soon, waiting};
use crate::support::{HostRequests as _, name, settings, try_of_owner, wait_of_owner};

pub(super) async fn more_slots_are_granted_at_once_and_fewer_end_no_lease(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let (bob, cid) = (waiting(&pool, "bob").await, waiting(&pool, "cid").await);

    pool.reconfigure(Some(Pool { slots: 2, ..settings() }), Limits::default());
    soon(&pool, bob).await.unwrap().delivered();
    assert!(!cid.is_finished());
    pool.reconfigure(Some(settings()), Limits::default());
    pool.release_host(name("ann")).await.unwrap();
    settle(&pool).await;
    assert!(!cid.is_finished(), "as many are held as there are slots");
    pool.release_host(name("bob")).await.unwrap();

    granted(&pool, cid).await.delivered();
}

pub(super) async fn a_host_no_longer_allowed_keeps_its_lease_but_not_its_wait(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let ann = pool.acquire(try_of_owner("ann", "run1")).await.unwrap();
    let lease = ann.lease.id.unwrap();
    ann.delivered();
    let (bob, cid) = (waiting(&pool, "bob").await, waiting(&pool, "cid").await);
    let dan = parked(&pool, wait_of_owner("dan", "run1")).await;

    let servers = Some(["cid"].map(name).into());
    pool.reconfigure(Some(Pool { servers, ..settings() }), Limits::default());

    assert_eq!(soon(&pool, bob).await.unwrap_err(), Refusal::HostNotAllowed);
    assert_eq!(soon(&pool, dan).await.unwrap_err().why, Refusal::HostNotAllowed);
    assert_eq!(pool.get(name("bob")).await.unwrap_err(), Refusal::HostNotAllowed);
    assert_eq!(pool.release_host(name("bob")).await, Err(Refusal::HostNotAllowed));
    assert!(pool.renew(lease, None).await.is_ok());
    assert!(!cid.is_finished());
    assert_eq!(pool.release(ReleaseTarget::Lease(lease), None).await, Ok(true));
    granted(&pool, cid).await.delivered();
}

pub(super) async fn a_removed_pool_lives_until_its_leases_have_ended(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let ann = pool.acquire(try_of_owner("ann", "run1")).await.unwrap();
    let (lease, token) = (ann.lease.id.unwrap(), ann.lease.token);
    ann.delivered();
    let bob = waiting(&pool, "bob").await;

    pool.reconfigure(None, Limits::default());

    assert_eq!(soon(&pool, bob).await.unwrap_err(), Refusal::NoSuchPool);
    assert_eq!(pool.wait(name("bob")).await.unwrap_err(), Refusal::NoSuchPool);
    assert_eq!(pool.release_host(name("bob")).await, Err(Refusal::NoSuchPool));
    assert!(pool.renew(lease, None).await.is_ok());
    assert_eq!(pool.snapshot().await.unwrap().held, 1);
    assert!(pool.holder(token).await.unwrap().is_some());
    assert_eq!(pool.release(ReleaseTarget::Lease(lease), None).await, Ok(true));
    assert_eq!(pool.snapshot().await, Err(Refusal::NoSuchPool));
    assert_eq!(pool.renew(lease, None).await, Err(Refusal::LeaseLost));
}

pub(super) async fn a_pool_that_is_configured_again_grants_again(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let ann = pool.get(name("ann")).await.unwrap();
    let token = ann.lease.token;
    ann.delivered();

    pool.reconfigure(None, Limits::default());
    pool.reconfigure(Some(settings()), Limits::default());

    let bob = waiting(&pool, "bob").await;
    assert!(!bob.is_finished());
    pool.release_host(name("ann")).await.unwrap();
    let bob = granted(&pool, bob).await;
    assert!(bob.lease.token > token);
    bob.delivered();
}
