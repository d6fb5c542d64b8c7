//! All pools of a server together.

use std::{future::poll_fn, task::Poll};

use distributex_actors::{ParkingLimit, Refusal, Registry, backend};
use distributex_config::{Backend, Config, DEFAULT_PORT, Listen};

use crate::support::{HostRequests as _, config, name};

/// A registry of in-memory pools.
fn started(pools: &[&str]) -> Registry {
    let config = config(Backend::InMemory, pools);
    Registry::start(&config, &ParkingLimit::new(10), backend::open(&config, None).unwrap())
}

#[actix::test]
async fn when_the_first_pool_is_drained_none_grants() {
    let registry = started(&["one", "two", "three"]);
    let mut drain = Box::pin(registry.drain());

    let first_step = poll_fn(|cx| Poll::Ready(drain.as_mut().poll(cx))).await;

    assert!(first_step.is_pending());
    for pool in ["one", "two", "three"] {
        let refused = registry.pools().get(pool).unwrap().get(name("ann")).await;
        assert_eq!(refused.err(), Some(Refusal::Draining), "{pool}");
    }
}

#[actix::test]
async fn pools_follow_the_configuration_in_order() {
    let registry = started(&["one", "two"]);
    registry.pools().get("two").unwrap().get(name("ann")).await.unwrap().delivered();

    let changed = registry.reload(&config(Backend::InMemory, &["three", "one"]));

    let pools = registry.pools();
    assert_eq!(changed, [""; 0]);
    assert_eq!(pools.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["three", "one", "two"]);
    assert!(pools.get("three").unwrap().get(name("ann")).await.is_ok());
    assert_eq!(pools.get("two").unwrap().get(name("bob")).await.err(), Some(Refusal::NoSuchPool));
    assert_eq!(pools.get("two").unwrap().release_host(name("ann")).await, Ok(()));
}

#[actix::test]
async fn keys_that_need_a_restart_are_named_while_they_differ() {
    let registry = started(&["one"]);
    let listen = Listen { host: "localhost".to_owned(), port: Some(DEFAULT_PORT) };
    let new = Config {
        listen: vec![listen],
        state_dir: Some("/x".into()),
        ..config(Backend::InMemory, &["one", "two"])
    };

    for _ in ["once", "twice"] {
        assert_eq!(registry.reload(&new), ["listen", "state_dir"]);
        assert!(registry.pools().get("two").is_some());
    }
    assert_eq!(registry.reload(&config(Backend::InMemory, &["one"])), [""; 0]);
}
