//! All pools of a server together.

use std::{future::poll_fn, task::Poll};

use distributex_actors::{ParkingLimit, Refusal, Registry, backend};
use distributex_config::{Admin, Backend, Config, DEFAULT_PORT, Limits, Listen, Pool, TelemetrySettings};

use crate::support::{name, settings};

fn config(pools: &[&str]) -> Config {
    Config {
        backend: Backend::InMemory,
        state_dir: None,
        limits: Limits::default(),
        listen: Vec::new(),
        admin: Admin::default(),
        telemetry: TelemetrySettings::default(),
        pools: pools.iter().map(|pool| Pool { name: name(pool), ..settings() }).collect(),
    }
}

/// A registry of in-memory pools.
fn started(pools: &[&str]) -> Registry {
    let config = config(pools);
    Registry::start(&config, &ParkingLimit::new(10), backend::open(&config, None).unwrap())
}

#[actix::test]
async fn when_the_first_pool_is_drained_no_other_one_grants_any_more() {
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
async fn pools_come_and_go_with_the_configuration_and_keep_their_order() {
    let registry = started(&["one", "two"]);
    registry.pools().get("two").unwrap().get(name("ann")).await.unwrap().delivered();

    let changed = registry.reload(&config(&["three", "one"]));

    let pools = registry.pools();
    assert_eq!(changed, [""; 0]);
    assert_eq!(pools.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["three", "one", "two"]);
    assert!(pools.get("three").unwrap().get(name("ann")).await.is_ok());
    assert_eq!(pools.get("two").unwrap().get(name("bob")).await.err(), Some(Refusal::NoSuchPool));
    assert_eq!(pools.get("two").unwrap().release_host(name("ann")).await, Ok(()));
}

#[actix::test]
async fn what_needs_a_restart_is_named_as_long_as_it_differs() {
    let registry = started(&["one"]);
    let listen = Listen { host: "localhost".to_owned(), port: Some(DEFAULT_PORT) };
    let new = Config { listen: vec![listen], state_dir: Some("/x".into()), ..config(&["one", "two"]) };

    for _ in ["once", "twice"] {
        assert_eq!(registry.reload(&new), ["listen", "state_dir"]);
        assert!(registry.pools().get("two").is_some());
    }
    assert_eq!(registry.reload(&config(&["one"])), [""; 0]);
}
