//! Admin actions.

use distributex_actors::{
    AdminAction, AdminOutcome, Operator, PoolHandle, Refusal, ReleaseTarget, Ticket, Token,
};
use distributex_config::Pool;

use super::{Ground, administered, granted, held_by, parked, settle, soon, waiting};
use crate::support::{
    HostRequests as _, MINUTE, SECOND, name, operator, settings, try_of_owner, wait_of_owner,
};

/// The operator who paused the pool.
async fn paused_by(pool: &PoolHandle) -> Option<String> {
    pool.snapshot().await.unwrap().paused.map(|operator| operator.author.to_string())
}

/// The ticket of this host's first queue entry.
async fn ticket_of(pool: &PoolHandle, host: &str) -> Ticket {
    let queue = pool.snapshot().await.unwrap().waiters;
    queue.iter().find(|waiting| waiting.host == name(host)).unwrap().ticket
}

pub(super) async fn a_paused_pool_grants_nothing_until_it_is_resumed(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;
    let web = parked(&pool, wait_of_owner("web", "run1")).await;

    assert_eq!(administered(&pool, AdminAction::Pause).await, Some(AdminOutcome::Set));
    pool.release_host(name("ann")).await.unwrap();

    let denial = pool.acquire(try_of_owner("cid", "run1")).await.unwrap_err();
    assert_eq!((denial.why, denial.position), (Refusal::PoolPaused, Some(3)));
    let state = denial.state.unwrap();
    assert_eq!((state.held, state.waiting, state.paused.unwrap().reason), (0, 2, operator().reason));
    assert_eq!(pool.get(name("dan")).await.unwrap_err(), Refusal::PoolPaused);
    settle(&pool).await;
    assert!(!bob.is_finished() && !web.is_finished());

    assert_eq!(administered(&pool, AdminAction::Resume).await, Some(AdminOutcome::Set));
    granted(&pool, bob).await.delivered();
    assert!(!web.is_finished());
    pool.release_host(name("bob")).await.unwrap();
    soon(&pool, web).await.unwrap().delivered();
}

pub(super) async fn a_wait_that_times_out_in_a_paused_pool_says_so(ground: Ground) {
    let pool = ground.start(settings(), 10);
    administered(&pool, AdminAction::Pause).await;
    let web = parked(&pool, wait_of_owner("web", "run1")).await;

    ground.pass(&pool, MINUTE + SECOND).await;
    let denial = soon(&pool, web).await.unwrap_err();
    assert_eq!((denial.why, denial.position), (Refusal::PoolPaused, Some(1)));
    assert_eq!(denial.state.unwrap().paused.unwrap().author, operator().author);

    let bob = waiting(&pool, "bob").await; // web has its patience, and is ahead
    administered(&pool, AdminAction::Resume).await;
    settle(&pool).await;
    assert!(!bob.is_finished());
    pool.acquire(wait_of_owner("web", "run1")).await.unwrap().delivered();
}

pub(super) async fn holders_of_a_paused_pool_keep_renew_and_release(ground: Ground) {
    let pool = ground.start(Pool { slots: 2, ..settings() }, 10);
    held_by(&pool, "ann").await;
    let web = pool.acquire(try_of_owner("web", "run1")).await.unwrap();
    let lease = web.lease.id.unwrap();
    web.delivered();

    administered(&pool, AdminAction::Pause).await;

    held_by(&pool, "ann").await; // answered again with what it has
    let again = pool.acquire(try_of_owner("web", "run1")).await.unwrap();
    assert_eq!((again.again, again.lease.id), (true, Some(lease)));
    again.delivered();
    assert_eq!(pool.renew(lease, None).await.unwrap().id, Some(lease));
    assert_eq!(pool.release(ReleaseTarget::Lease(lease), None).await, Ok(true));
    assert_eq!(pool.release_host(name("ann")).await, Ok(()));
    assert_eq!(pool.snapshot().await.unwrap().held, 0);
    assert_eq!(pool.get(name("ann")).await.unwrap_err(), Refusal::PoolPaused);
}

pub(super) async fn the_latest_pause_is_shown_and_a_resume_may_repeat(ground: Ground) {
    let pool = ground.start(settings(), 10);
    assert_eq!(administered(&pool, AdminAction::Resume).await, Some(AdminOutcome::Unchanged));
    assert_eq!(paused_by(&pool).await, None);

    administered(&pool, AdminAction::Pause).await;
    assert_eq!(paused_by(&pool).await.as_deref(), Some("olga"));
    let otto = Operator { author: "otto".into(), ..operator() };
    assert_eq!(pool.administer(AdminAction::Pause, otto).await, Ok(Some(AdminOutcome::Set)));
    assert_eq!(paused_by(&pool).await.as_deref(), Some("otto"));
    administered(&pool, AdminAction::Resume).await;

    assert_eq!(paused_by(&pool).await, None);
    held_by(&pool, "ann").await;
}

pub(super) async fn a_force_released_lease_is_lost_and_its_slot_granted(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let web = pool.acquire(try_of_owner("web", "run1")).await.unwrap();
    let (lease, token) = (web.lease.id.unwrap(), web.lease.token);
    web.delivered();
    let bob = waiting(&pool, "bob").await;
    ground.pass(&pool, 20 * SECOND).await;

    let forced = administered(&pool, AdminAction::ForceRelease(token)).await;

    let Some(AdminOutcome::Released { host, held, left: Some(left) }) = forced else { panic!("{forced:?}") };
    assert_eq!((host, held.as_secs(), left.as_secs().abs_diff(40) <= 1), (name("web"), 20, true), "{left:?}");
    granted(&pool, bob).await.delivered();
    assert_eq!(pool.renew(lease, None).await, Err(Refusal::LeaseLost));
    assert_eq!(administered(&pool, AdminAction::ForceRelease(token)).await, None);
    assert_eq!(pool.history().await.unwrap()[0].operator, Some(Box::new(operator())));
}

pub(super) async fn a_revoked_lease_goes_to_the_next_when_it_is_released(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let web = pool.acquire(try_of_owner("web", "run1")).await.unwrap();
    let (lease, token, until) = (web.lease.id.unwrap(), web.lease.token, web.lease.until);
    web.delivered();
    let bob = waiting(&pool, "bob").await;

    let revoked = administered(&pool, AdminAction::Revoke(token, Some(SECOND))).await;
    let renewed = pool.renew(lease, Some(MINUTE * 2)).await.unwrap();
    let again = pool.acquire(try_of_owner("web", "run1")).await.unwrap();
    assert!(again.lease.revoked.is_some() && again.lease.until <= until);
    again.delivered();

    assert!(matches!(revoked, Some(AdminOutcome::Revoked { host, until: Some(free), notified: true })
            if host == name("web") && Some(free) >= until),);
    assert!(renewed.revoked.is_some_and(|revoked| revoked.operator == operator()));
    assert!(renewed.until <= until && !bob.is_finished());
    assert_eq!(pool.release(ReleaseTarget::Lease(lease), None).await, Ok(true));
    granted(&pool, bob).await.delivered();
    let runs = pool.history().await.unwrap();
    assert_eq!(runs[0].operator, Some(Box::new(operator())));
    assert_eq!(pool.find_ended_run(ReleaseTarget::Lease(lease)).await.unwrap().lease.token, token);
    assert_eq!(administered(&pool, AdminAction::Revoke(token, None)).await, None);
}

pub(super) async fn a_force_released_slot_waits_for_the_end_of_a_pause(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let ann = pool.get(name("ann")).await.unwrap();
    let token = ann.lease.token;
    ann.delivered();
    let bob = waiting(&pool, "bob").await;
    administered(&pool, AdminAction::Pause).await;

    assert!(administered(&pool, AdminAction::ForceRelease(token)).await.is_some());
    settle(&pool).await;
    assert!(!bob.is_finished());
    administered(&pool, AdminAction::Resume).await;

    assert!(granted(&pool, bob).await.lease.token > token);
}

pub(super) async fn a_promoted_waiter_is_next(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let (bob, cid) = (waiting(&pool, "bob").await, waiting(&pool, "cid").await);
    let dan = waiting(&pool, "dan").await;

    let moved = administered(&pool, AdminAction::Promote(ticket_of(&pool, "dan").await)).await;
    assert_eq!(moved, Some(AdminOutcome::Moved { host: name("dan") }));

    for (holder, next) in [("ann", dan), ("dan", bob), ("bob", cid)] {
        assert!(!next.is_finished());
        pool.release_host(name(holder)).await.unwrap();
        granted(&pool, next).await.delivered();
    }
}

pub(super) async fn an_evicted_waiter_is_told_and_may_wait_again(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = parked(&pool, wait_of_owner("bob", "run1")).await;
    let cid = waiting(&pool, "cid").await;
    let ticket = ticket_of(&pool, "bob").await;

    let removed = administered(&pool, AdminAction::Evict(ticket)).await;

    assert_eq!(removed, Some(AdminOutcome::Moved { host: name("bob") }));
    assert_eq!(soon(&pool, bob).await.unwrap_err().why, Refusal::Evicted);
    assert_eq!(administered(&pool, AdminAction::Evict(ticket)).await, None);
    let bob = parked(&pool, wait_of_owner("bob", "run1")).await;
    pool.release_host(name("ann")).await.unwrap();
    granted(&pool, cid).await.delivered();
    assert!(!bob.is_finished(), "it stands behind now");
}

pub(super) async fn admin_actions_without_a_target_do_nothing(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    for action in [
        AdminAction::ForceRelease(Token(1)),
        AdminAction::Promote(Ticket(u64::MAX)),
        AdminAction::Evict(Ticket(u64::MAX)),
    ] {
        assert_eq!(administered(&pool, action).await, None, "{action:?}");
    }
    settle(&pool).await;

    assert!(!bob.is_finished());
    assert_eq!(pool.snapshot().await.unwrap().held, 1);
}
