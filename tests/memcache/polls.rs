//! How much memcached has to do while thousands wait.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{memcached::Memcached, pass};
use crate::member::{Member, OLGA};

/// How many wait.
const WAITERS: usize = 5000;
/// How long they are looked at.
const WHILE: Duration = Duration::from_secs(3);
/// What memcached is told to do in a second, at most: it does not depend on how many wait.
const PER_SECOND: f64 = 50.0;

/// What memcached is told to do in a second.
fn work(memcached: &Memcached) -> f64 {
    let mut text = memcached.text();
    let (begin, before) = (Instant::now(), text.work());
    pass(WHILE);
    (text.work() - before) as f64 / begin.elapsed().as_secs_f64()
}

#[test]
fn memcached_has_little_to_do_while_thousands_wait_and_nothing_while_nobody_does() {
    let memcached = Memcached::start();
    let member = Member::start(memcached.addr(), "pools: [{name: p, expire: 300}]");
    assert_eq!(member.ask("get", "ann").1, "YES");
    let idle = work(&memcached);
    let mut waiters: Vec<_> =
        (0..WAITERS).map(|n| member.server().waiting(&format!("web{n}"), "p")).collect();
    member.line_is(WAITERS);

    let waiting = work(&memcached);

    println!("{idle} and {waiting} per second");
    assert!(idle < 1.0, "{idle} per second while nobody waits");
    assert!(waiting < PER_SECOND, "{waiting} per second");
    assert!(waiting > 0.0, "nobody looks for slots that other servers freed");
    assert_eq!(member.ask("release", "ann").1, "OK");
    assert_eq!(waiters[0].answer().1, "YES");
    assert!(waiters[1].is_silent());
}

#[test]
fn a_paused_pool_is_looked_at_as_often_as_any_other_and_not_at_all_while_nobody_waits() {
    let memcached = Memcached::start();
    let member = Member::start(memcached.addr(), &format!("{OLGA}pools: [{{name: p, expire: 300}}]"));
    assert_eq!(member.pull("pause", &json!({"reason": "a test"})).0, 200);

    assert!(work(&memcached) < 1.0, "nobody waits");
    let bob = member.server().waiting("bob", "p");
    member.line_is(1);
    let work = work(&memcached);

    assert!((1.0..=PER_SECOND).contains(&work), "{work}");
    assert!(bob.is_parked(member.server()));
}
