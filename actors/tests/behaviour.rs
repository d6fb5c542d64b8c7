//! What every pool does, whatever its backend: one suite, run on each of them.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use actix::Actor as _;
use distributex_actors::{
    Ask, Denial, Grant, Held, PoolActor, PoolHandle, Refusal, Room, backend::inmemory::InMemory,
};
use distributex_config::{Limits, Pool};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::support::{MINUTE, SECOND, ask_of, name, settings, wait_of};

/// Starts a pool with these settings, and room for so many parked asks.
type Start = fn(Pool, usize) -> PoolHandle;

fn inmemory(settings: Pool, seats: usize) -> PoolHandle {
    let backend = Box::new(InMemory::new(settings.clone(), Limits::default()));
    PoolHandle::new(PoolActor::new(settings.name, backend, Room::new(seats)).start())
}

macro_rules! behaviour {
    ($backend:ident: $($test:ident)*) => {
        mod $backend {
            $(
                #[actix::test]
                async fn $test() {
                    tokio::time::pause();
                    super::$test(super::$backend).await;
                }
            )*
        }
    };
}

behaviour! { inmemory:
    freed_slots_go_round_in_the_order_of_asking
    who_stops_waiting_leaves_the_line_at_once
    a_grant_that_was_sent_but_never_read_goes_to_the_next
    a_grant_that_was_read_but_not_passed_on_goes_to_the_next
    a_heard_grant_stays
    of_five_waits_of_one_host_one_that_is_heard_keeps_the_slot
    an_expired_slot_goes_to_the_longest_waiter
    leases_end_at_their_own_times_and_wake_one_waiter_each
    a_renewed_lease_outlives_its_first_end
    a_wait_that_is_over_is_told_how_the_pool_is
    a_cut_wait_keeps_its_place_and_a_grant_meanwhile_waits_too
    patience_ends_and_the_next_in_line_is_served
    a_newer_ask_of_an_owner_answers_the_older_one
    parked_asks_are_limited_and_who_need_not_wait_is_not
    draining_answers_who_waits_and_still_serves_releases
}

/// This host takes a slot and is told so.
async fn held_by(pool: &PoolHandle, host: &str) {
    pool.get(name(host)).await.unwrap().heard();
}

/// This host waits, and stands in line when this returns.
async fn waiting(pool: &PoolHandle, host: &str) -> JoinHandle<Result<Grant, Refusal>> {
    let (pool, host) = (pool.clone(), name(host));
    let answer = actix::spawn({
        let pool = pool.clone();
        async move { pool.wait(host).await }
    });
    actors_turn(&pool).await;
    answer
}

/// Returns when the actor has seen all messages sent so far, and whoever it answered has run.
async fn actors_turn(pool: &PoolHandle) {
    tokio::task::yield_now().await;
    let _ = pool.release(name("nobody")).await;
    tokio::task::yield_now().await;
}

async fn granted(answer: JoinHandle<Result<Grant, Refusal>>) -> Grant {
    timeout(SECOND, answer).await.expect("nothing was granted").unwrap().unwrap()
}

async fn freed_slots_go_round_in_the_order_of_asking(start: Start) {
    let pool = start(settings(), 1_000);
    held_by(&pool, "host0").await;
    let mut answers = Vec::new();
    for n in 1..300 {
        answers.push(waiting(&pool, &format!("host{n}")).await);
    }

    for (n, answer) in answers.into_iter().enumerate() {
        assert!(!answer.is_finished());
        pool.release(name(&format!("host{n}"))).await.unwrap();
        granted(answer).await.heard();
    }
}

async fn who_stops_waiting_leaves_the_line_at_once(start: Start) {
    let pool = start(Pool { max_waiters: 2, ..settings() }, 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;
    let cid = waiting(&pool, "cid").await;

    bob.abort();
    actors_turn(&pool).await;
    let dan = waiting(&pool, "dan").await; // there is room for two
    pool.release(name("ann")).await.unwrap();

    granted(cid).await.heard();
    assert!(!dan.is_finished());
}

async fn a_grant_that_was_sent_but_never_read_goes_to_the_next(start: Start) {
    let pool = start(settings(), 10);
    held_by(&pool, "ann").await;
    let cid = {
        let mut bob = Box::pin(pool.wait(name("bob")));
        let asked = poll_fn(|cx| Poll::Ready(bob.as_mut().poll(cx))).await;
        assert!(asked.is_pending());
        let cid = waiting(&pool, "cid").await;
        pool.release(name("ann")).await.unwrap(); // bob's grant is in the channel now
        assert!(!cid.is_finished());
        cid
    };

    granted(cid).await.heard();
}

async fn a_grant_that_was_read_but_not_passed_on_goes_to_the_next(start: Start) {
    let pool = start(settings(), 10);
    let ann = pool.get(name("ann")).await.unwrap();
    let bob = waiting(&pool, "bob").await;

    let token = ann.lease.token;
    drop(ann);

    assert!(granted(bob).await.lease.token > token);
}

async fn a_heard_grant_stays(start: Start) {
    let pool = start(settings(), 10);
    held_by(&pool, "ann").await;
    drop(pool.get(name("ann")).await.unwrap()); // asked again, and hung up this time

    let bob = pool.get(name("bob")).await;

    assert_eq!(bob.unwrap_err(), Refusal::Full);
}

async fn of_five_waits_of_one_host_one_that_is_heard_keeps_the_slot(start: Start) {
    let pool = start(settings(), 10);
    held_by(&pool, "ann").await;
    let mut bobs = Vec::new();
    for _ in 0..5 {
        bobs.push(waiting(&pool, "bob").await);
    }
    let cid = waiting(&pool, "cid").await;
    pool.release(name("ann")).await.unwrap();

    let mut grants = Vec::new();
    for bob in bobs {
        grants.push(granted(bob).await);
    }
    let last = grants.pop();
    drop(grants); // four of them had hung up
    actors_turn(&pool).await;
    assert!(!cid.is_finished());
    last.unwrap().heard();
    actors_turn(&pool).await;
    assert!(!cid.is_finished());

    pool.release(name("bob")).await.unwrap();
    granted(cid).await.heard();
}

async fn an_expired_slot_goes_to_the_longest_waiter(start: Start) {
    let pool = start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    sleep(MINUTE - SECOND).await;
    assert!(!bob.is_finished());
    sleep(2 * SECOND).await;

    granted(bob).await.heard();
}

async fn leases_end_at_their_own_times_and_wake_one_waiter_each(start: Start) {
    let pool = start(Pool { slots: 2, ..settings() }, 10);
    held_by(&pool, "ann").await;
    sleep(MINUTE / 2).await;
    held_by(&pool, "bob").await;
    let cid = waiting(&pool, "cid").await;
    let dan = waiting(&pool, "dan").await;

    sleep(MINUTE / 2 + SECOND).await;
    granted(cid).await.heard();
    assert!(!dan.is_finished());
    sleep(MINUTE / 2).await;

    granted(dan).await.heard();
}

async fn a_renewed_lease_outlives_its_first_end(start: Start) {
    let pool = start(settings(), 10);
    let ann = pool.acquire(ask_of("ann", "run1")).await.unwrap();
    let lease = ann.lease.id.unwrap();
    ann.heard();
    let bob = waiting(&pool, "bob").await;
    sleep(MINUTE / 2).await;

    let renewed = pool.renew(lease, None).await.unwrap();
    sleep(MINUTE - SECOND).await;
    assert!(!bob.is_finished());
    sleep(2 * SECOND).await;
    granted(bob).await.heard();

    assert!(renewed.until.is_some_and(|until| until < Instant::now()));
    assert_eq!(pool.renew(lease, None).await, Err(Refusal::LeaseLost));
}

/// Somebody asks, and stands in line when this returns.
async fn parked(pool: &PoolHandle, ask: Ask) -> JoinHandle<Result<Grant, Denial>> {
    let answer = actix::spawn({
        let pool = pool.clone();
        async move { pool.acquire(ask).await }
    });
    actors_turn(pool).await;
    answer
}

async fn a_wait_that_is_over_is_told_how_the_pool_is(start: Start) {
    let pool = start(Pool { expire: None, ..settings() }, 10);
    held_by(&pool, "ann").await;
    let web = parked(&pool, wait_of("web", "run1")).await;

    sleep(MINUTE + SECOND).await;

    let denial = timeout(SECOND, web).await.expect("it was not answered").unwrap().unwrap_err();
    assert_eq!((denial.why, denial.place), (Refusal::WaitOver, Some(1)));
    let state = denial.state.unwrap();
    assert_eq!((state.holders[0].host.as_str(), state.waiting), ("ann", 1));
}

async fn a_cut_wait_keeps_its_place_and_a_grant_meanwhile_waits_too(start: Start) {
    let pool = start(settings(), 10);
    held_by(&pool, "ann").await;
    let web = parked(&pool, wait_of("web", "run1")).await;
    let bob = waiting(&pool, "bob").await;
    web.abort();
    actors_turn(&pool).await;

    pool.release(name("ann")).await.unwrap();
    sleep(9 * SECOND).await;
    assert!(!bob.is_finished());
    let back = pool.acquire(wait_of("web", "run1")).await.unwrap();
    assert!(!back.again);
    back.heard();
    sleep(9 * SECOND).await;

    assert!(!bob.is_finished());
}

async fn patience_ends_and_the_next_in_line_is_served(start: Start) {
    let pool = start(settings(), 10);
    let web = pool.acquire(ask_of("web", "run1")).await.unwrap();
    let bob = waiting(&pool, "bob").await;

    drop(web); // it had hung up before it was told
    sleep(9 * SECOND).await;
    assert!(!bob.is_finished());
    sleep(2 * SECOND).await;

    granted(bob).await.heard();
}

async fn a_newer_ask_of_an_owner_answers_the_older_one(start: Start) {
    let pool = start(settings(), 10);
    held_by(&pool, "ann").await;
    let older = parked(&pool, wait_of("web", "run1")).await;

    let newer = parked(&pool, wait_of("web", "run1")).await;
    pool.release(name("ann")).await.unwrap();

    let older = timeout(SECOND, older).await.expect("it was not answered");
    assert_eq!(older.unwrap().unwrap_err().why, Refusal::Superseded);
    let grant = timeout(SECOND, newer).await.expect("nothing was granted").unwrap().unwrap();
    let held = Held::Lease(grant.lease.id.unwrap());
    grant.heard();
    assert_eq!(pool.end(held.clone()).await, Ok(true));
    assert_eq!(pool.end(held).await, Ok(false));
}

async fn parked_asks_are_limited_and_who_need_not_wait_is_not(start: Start) {
    let pool = start(settings(), 1);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    let cid = pool.wait(name("cid")).await;
    pool.wait(name("ann")).await.unwrap().heard();
    bob.abort();
    actors_turn(&pool).await;
    let dan = waiting(&pool, "dan").await;

    assert_eq!(cid.unwrap_err(), Refusal::LineFull);
    assert!(!dan.is_finished()); // it has bob's seat
}

async fn draining_answers_who_waits_and_still_serves_releases(start: Start) {
    let pool = start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    pool.drain().await;

    let stopped = pin!(timeout(Duration::from_secs(1), bob));
    assert_eq!(stopped.await.unwrap().unwrap().unwrap_err(), Refusal::Stopping);
    assert_eq!(pool.release(name("ann")).await, Ok(()));
    assert_eq!(pool.get(name("cid")).await.unwrap_err(), Refusal::Stopping);
    assert_eq!(pool.wait(name("ann")).await.unwrap_err(), Refusal::Stopping);
}
