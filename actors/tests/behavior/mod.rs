//! Behavior of pools that all backends share: one suite, run on each of them.

mod admin;
mod configuration;
mod grants;
mod owners;

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use actix::Actor as _;
use distributex_actors::{
    AcquireRequest, AdminAction, AdminOutcome, Denial, Grant, ParkingLimit, PoolActor, PoolHandle, Refusal,
    StateDirectory, Telemetry,
    backend::{self, Store},
};
use distributex_config as config;
use distributex_config::{Limits, Pool};
use tokio::task::JoinHandle;

use self::{admin::*, configuration::*, grants::*, owners::*};
use crate::support::{Folder, HostRequests as _, config, name, operator};

#[cfg(feature = "memcache")]
use crate::memcached::Memcached;

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

macro_rules! behavior {
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
        behavior! { inmemory: $($test)* }
        behavior! { directory: $($test)* }
        #[cfg(feature = "memcache")]
        behavior! { memcache: $($test)* }
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

/// Starts a request, which is queued when this returns.
async fn parked(pool: &PoolHandle, request: AcquireRequest) -> JoinHandle<Result<Grant, Denial>> {
    let answer = actix::spawn({
        let pool = pool.clone();
        async move { pool.acquire(request).await }
    });
    settle(pool).await;
    answer
}

/// The outcome of this admin action.
async fn administered(pool: &PoolHandle, action: AdminAction) -> Option<AdminOutcome> {
    pool.administer(action, operator()).await.unwrap()
}
