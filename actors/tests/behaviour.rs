//! Behavior of pools that all backends share: one suite, run on each of them.

use std::{
    future::poll_fn,
    sync::{Arc, mpsc},
    task::Poll,
    time::Duration,
};

use actix::Actor as _;
use distributex_actors::{
    AcquireRequest, AdminAction, AdminOutcome, Denial, Grant, Operator, ParkingLimit, PoolActor, PoolHandle,
    Refusal, ReleaseTarget, StateDirectory, Telemetry, Ticket, Token,
    backend::{self, Store},
};
use distributex_config as config;
use distributex_config::{Limits, Pool};
use tokio::{task::JoinHandle, time::Instant};

#[cfg(feature = "memcache")]
use crate::memcached::Memcached;

use crate::support::{Folder, MINUTE, SECOND, config, name, operator, settings, try_of_owner, wait_of_owner};

/// A store, and the clock that the test owns.
struct Ground {
    store: Arc<dyn Store>,
    #[cfg(feature = "memcache")]
    _memcached: Option<Memcached>,
    _directory: Option<Folder>,
    /// While this exists, time passes only in [`Ground::pass`], as a store replies in its own time.
    _stop: mpsc::Sender<()>,
}

impl Ground {
    fn new(backend: config::Backend, state: Option<StateDirectory>) -> Self {
        Self {
            store: backend::open(&config(backend, &[]), state).unwrap(),
            #[cfg(feature = "memcache")]
            _memcached: None,
            _directory: None,
            _stop: stop_the_clock(),
        }
    }

    fn inmemory() -> Self {
        Self::new(config::Backend::InMemory, None)
    }

    /// In memory, with every response on the disk first.
    fn directory() -> Self {
        let folder = Folder::new();
        let state = StateDirectory::open(folder.path()).unwrap();
        Self { _directory: Some(folder), ..Self::new(config::Backend::InMemory, Some(state)) }
    }

    #[cfg(feature = "memcache")]
    fn memcache() -> Self {
        let memcached = Memcached::start(&[]);
        let settings = config::MemcacheSettings {
            servers: vec![memcached.server()],
            ..config::MemcacheSettings::default()
        };
        Self { _memcached: Some(memcached), ..Self::new(config::Backend::Memcache(settings), None) }
    }

    /// Starts a pool with these settings, and `permits` parking permits.
    fn start(&self, settings: Pool, permits: usize) -> PoolHandle {
        let (name, parking, limits) = (settings.name.clone(), ParkingLimit::new(permits), Limits::default());
        let telemetry = Telemetry::new(&config::TelemetrySettings::default()).pool(&name);
        PoolHandle::new(PoolActor::create(|ctx| {
            let backend = self.store.open(settings, limits, PoolActor::waker(ctx));
            PoolActor::new(name, backend, parking, telemetry)
        }))
    }

    /// Lets time pass.
    async fn pass(&self, pool: &PoolHandle, time: Duration) {
        settle(pool).await;
        tokio::time::advance(time).await;
        settle(pool).await;
    }
}

/// Stops the clock of this test until the returned sender is dropped: tokio advances a paused clock when the runtime
/// is idle, but not while a blocking task runs.
fn stop_the_clock() -> mpsc::Sender<()> {
    let (go_on, stopped) = mpsc::channel();
    tokio::time::pause();
    tokio::task::spawn_blocking(move || stopped.recv());
    go_on
}

macro_rules! behaviour {
    ($backend:ident: $($test:ident)*) => {
        mod $backend {
            $(
                #[actix::test]
                async fn $test() {
                    super::$test(super::Ground::$backend()).await;
                }
            )*
        }
    };
}

macro_rules! on_all_backends {
    ($($test:ident)*) => {
        behaviour! { inmemory: $($test)* }
        behaviour! { directory: $($test)* }
        #[cfg(feature = "memcache")]
        behaviour! { memcache: $($test)* }
    };
}

on_all_backends! {
    freed_slots_go_to_the_waiters_in_order
    a_cancelled_wait_leaves_the_queue_at_once
    a_grant_that_was_sent_but_never_read_goes_to_the_next
    a_grant_that_was_read_and_dropped_goes_to_the_next
    a_delivered_grant_stays
    one_delivery_to_five_waits_of_a_host_keeps_the_slot
    an_expired_slot_goes_to_the_longest_waiter
    leases_end_at_their_own_times_and_wake_one_waiter_each
    a_renewed_lease_outlives_its_first_end
    a_wait_that_timed_out_gets_a_snapshot
    a_disconnected_owner_keeps_its_position_and_its_grant
    after_the_patience_the_next_waiter_is_served
    a_newer_request_of_an_owner_answers_the_older_one
    parked_requests_are_limited_but_not_tries
    draining_refuses_waiters_and_serves_releases
    more_slots_are_granted_at_once_and_fewer_end_no_lease
    a_host_no_longer_allowed_keeps_its_lease_but_not_its_wait
    a_removed_pool_lives_until_its_leases_have_ended
    a_pool_that_is_configured_again_grants_again
    a_paused_pool_grants_nothing_until_it_is_resumed
    a_wait_that_times_out_in_a_paused_pool_says_so
    holders_of_a_paused_pool_keep_renew_and_release
    the_latest_pause_is_shown_and_a_resume_may_repeat
    a_force_released_lease_is_lost_and_its_slot_granted
    a_revoked_lease_goes_to_the_next_when_it_is_released
    a_force_released_slot_waits_for_the_end_of_a_pause
    a_promoted_waiter_is_next
    an_evicted_waiter_is_told_and_may_wait_again
    admin_actions_without_a_target_do_nothing
}

/// This host gets a slot, which is delivered.
async fn held_by(pool: &PoolHandle, host: &str) {
    pool.get(name(host)).await.unwrap().delivered();
}

/// This host waits; it is queued when this returns.
async fn waiting(pool: &PoolHandle, host: &str) -> JoinHandle<Result<Grant, Refusal>> {
    let (pool, host) = (pool.clone(), name(host));
    let answer = actix::spawn({
        let pool = pool.clone();
        async move { pool.wait(host).await }
    });
    settle(&pool).await;
    answer
}

/// Returns when the actor has handled all messages sent so far, and the tasks that it answered have run.
async fn settle(pool: &PoolHandle) {
    for _ in ["what was under way", "what came of it"] {
        tokio::task::yield_now().await;
        let _ = pool.release_host(name("nobody")).await;
        tokio::task::yield_now().await;
    }
}

/// The result of a task that has to end without any time passing.
async fn soon<T>(pool: &PoolHandle, answer: JoinHandle<T>) -> T {
    for _ in 0..10 {
        settle(pool).await;
        if answer.is_finished() {
            return answer.await.unwrap();
        }
    }
    panic!("it was not answered");
}

async fn granted(pool: &PoolHandle, answer: JoinHandle<Result<Grant, Refusal>>) -> Grant {
    soon(pool, answer).await.unwrap()
}

async fn freed_slots_go_to_the_waiters_in_order(ground: Ground) {
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

async fn a_cancelled_wait_leaves_the_queue_at_once(ground: Ground) {
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

async fn a_grant_that_was_sent_but_never_read_goes_to_the_next(ground: Ground) {
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

async fn a_grant_that_was_read_and_dropped_goes_to_the_next(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let ann = pool.get(name("ann")).await.unwrap();
    let bob = waiting(&pool, "bob").await;

    let token = ann.lease.token;
    drop(ann);

    assert!(granted(&pool, bob).await.lease.token > token);
}

async fn a_delivered_grant_stays(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    drop(pool.get(name("ann")).await.unwrap()); // requested again, and disconnected this time

    let bob = pool.get(name("bob")).await;

    assert_eq!(bob.unwrap_err(), Refusal::PoolFull);
}

async fn one_delivery_to_five_waits_of_a_host_keeps_the_slot(ground: Ground) {
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

async fn an_expired_slot_goes_to_the_longest_waiter(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    ground.pass(&pool, MINUTE - SECOND).await;
    assert!(!bob.is_finished());
    ground.pass(&pool, 2 * SECOND).await;

    granted(&pool, bob).await.delivered();
}

async fn leases_end_at_their_own_times_and_wake_one_waiter_each(ground: Ground) {
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

async fn a_renewed_lease_outlives_its_first_end(ground: Ground) {
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

/// Starts a request, which is queued when this returns.
async fn parked(pool: &PoolHandle, request: AcquireRequest) -> JoinHandle<Result<Grant, Denial>> {
    let answer = actix::spawn({
        let pool = pool.clone();
        async move { pool.acquire(request).await }
    });
    settle(pool).await;
    answer
}

async fn a_wait_that_timed_out_gets_a_snapshot(ground: Ground) {
    let pool = ground.start(Pool { expire: None, ..settings() }, 10);
    held_by(&pool, "ann").await;
    let web = parked(&pool, wait_of_owner("web", "run1")).await;

    ground.pass(&pool, MINUTE + SECOND).await;

    let denial = soon(&pool, web).await.unwrap_err();
    assert_eq!((denial.why, denial.position), (Refusal::WaitTimeout, Some(1)));
    let state = denial.state.unwrap();
    assert_eq!((state.holders[0].host.as_str(), state.waiting), ("ann", 1));
}

async fn a_disconnected_owner_keeps_its_position_and_its_grant(ground: Ground) {
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

async fn after_the_patience_the_next_waiter_is_served(ground: Ground) {
    let pool = ground.start(settings(), 10);
    let web = pool.acquire(try_of_owner("web", "run1")).await.unwrap();
    let bob = waiting(&pool, "bob").await;

    drop(web); // it disconnected before the delivery
    ground.pass(&pool, 9 * SECOND).await;
    assert!(!bob.is_finished());
    ground.pass(&pool, 2 * SECOND).await;

    granted(&pool, bob).await.delivered();
}

async fn a_newer_request_of_an_owner_answers_the_older_one(ground: Ground) {
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

async fn parked_requests_are_limited_but_not_tries(ground: Ground) {
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

async fn draining_refuses_waiters_and_serves_releases(ground: Ground) {
    let pool = ground.start(settings(), 10);
    held_by(&pool, "ann").await;
    let bob = waiting(&pool, "bob").await;

    pool.drain().await;

    assert_eq!(soon(&pool, bob).await.unwrap_err(), Refusal::Draining);
    assert_eq!(pool.release_host(name("ann")).await, Ok(()));
    assert_eq!(pool.get(name("cid")).await.unwrap_err(), Refusal::Draining);
    assert_eq!(pool.wait(name("ann")).await.unwrap_err(), Refusal::Draining);
}

async fn more_slots_are_granted_at_once_and_fewer_end_no_lease(ground: Ground) {
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

async fn a_host_no_longer_allowed_keeps_its_lease_but_not_its_wait(ground: Ground) {
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

async fn a_removed_pool_lives_until_its_leases_have_ended(ground: Ground) {
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

async fn a_pool_that_is_configured_again_grants_again(ground: Ground) {
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

/// The outcome of this admin action.
async fn administered(pool: &PoolHandle, action: AdminAction) -> Option<AdminOutcome> {
    pool.administer(action, operator()).await.unwrap()
}

/// The operator who paused the pool.
async fn paused_by(pool: &PoolHandle) -> Option<String> {
    pool.snapshot().await.unwrap().paused.map(|operator| operator.author.to_string())
}

/// The ticket of this host's first queue entry.
async fn ticket_of(pool: &PoolHandle, host: &str) -> Ticket {
    let queue = pool.snapshot().await.unwrap().waiters;
    queue.iter().find(|waiting| waiting.host == name(host)).unwrap().ticket
}

async fn a_paused_pool_grants_nothing_until_it_is_resumed(ground: Ground) {
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

async fn a_wait_that_times_out_in_a_paused_pool_says_so(ground: Ground) {
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

async fn holders_of_a_paused_pool_keep_renew_and_release(ground: Ground) {
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

async fn the_latest_pause_is_shown_and_a_resume_may_repeat(ground: Ground) {
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

async fn a_force_released_lease_is_lost_and_its_slot_granted(ground: Ground) {
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

async fn a_revoked_lease_goes_to_the_next_when_it_is_released(ground: Ground) {
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

async fn a_force_released_slot_waits_for_the_end_of_a_pause(ground: Ground) {
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

async fn a_promoted_waiter_is_next(ground: Ground) {
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

async fn an_evicted_waiter_is_told_and_may_wait_again(ground: Ground) {
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

async fn admin_actions_without_a_target_do_nothing(ground: Ground) {
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
