//! All pools of a server together.

use std::{future::poll_fn, task::Poll};

use distributex_actors::{Pools, Refusal, Room};
use distributex_config::{Backend, Config, Limits, Pool};

use crate::support::{name, settings};

#[actix::test]
async fn when_the_first_pool_is_drained_no_other_one_grants_any_more() {
    let pools = ["one", "two", "three"].map(|pool| Pool { name: name(pool), ..settings() });
    let config = Config {
        backend: Backend::InMemory,
        limits: Limits::default(),
        listen: Vec::new(),
        pools: pools.into(),
    };
    let pools = Pools::start(&config, &Room::new(10));
    let mut drain = Box::pin(pools.drain());

    let first_step = poll_fn(|cx| Poll::Ready(drain.as_mut().poll(cx))).await;

    assert!(first_step.is_pending());
    for pool in ["one", "two", "three"] {
        let refused = pools.get(pool).unwrap().get(name("ann")).await;
        assert_eq!(refused.err(), Some(Refusal::Stopping), "{pool}");
    }
}
