//! What those who watch a server learn of its memcached.

use super::memcached::Memcached;
use crate::{
    member::Member,
    server::{metrics::Numbers, v1::events::Stream},
    wrapper::run::eventually,
};

/// Two pools of one memcached.
const POOLS: &str = "pools: [{name: p, expire: 300}, {name: q, expire: 300}]";

fn number(member: &Member, name: &str) -> f64 {
    Numbers::of(member.server()).get(name)
}

fn readiness(member: &Member) -> (u16, String) {
    member.server().get("/readyz")
}

#[test]
fn a_memcached_that_goes_and_comes_back_is_told_of_and_counted() {
    let mut memcached = Memcached::start();
    let member = Member::start(memcached.addr(), POOLS);
    eventually("it is found", || member.ask("get", "ann").0 == 200);
    let mut events = Stream::of(member.server(), "?pool=p");
    let [up, calls, errors] = [
        "pool_store_up{pool=\"p\"}",
        "backend_calls_total{backend=\"memcache\"}",
        "backend_errors_total{backend=\"memcache\"}",
    ];
    assert_eq!((number(&member, up), readiness(&member)), (1.0, (200, "ready".to_owned())));
    assert!(number(&member, calls) > 0.0);

    memcached.is_killed();
    assert_eq!(member.ask("get", "bob").0, 503);

    while events.next().expect("the stream ended").event != "store_down" {}
    eventually("it is not ready", || readiness(&member) == (503, "the store is unreachable".to_owned()));
    assert_eq!(number(&member, up), 0.0);
    assert!(number(&member, errors) > 0.0);
    assert_eq!(member.server().get("/healthz"), (200, "ok".to_owned()));
    memcached.comes();
    while events.next().expect("the stream ended").event != "store_up" {}
    eventually("it is ready", || readiness(&member) == (200, "ready".to_owned()));
    assert_eq!(number(&member, up), 1.0);
}

#[test]
fn a_server_that_has_not_found_its_memcached_yet_is_not_ready() {
    let mut memcached = Memcached::away();
    let member = Member::start(memcached.addr(), POOLS);

    eventually("it is not ready", || readiness(&member) == (503, "the store is unreachable".to_owned()));
    memcached.comes();

    eventually("it is ready", || readiness(&member).0 == 200);
}
