//! A memcached that is away, stands still, is full, or has forgotten everything.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    memcached::Memcached,
    pass,
    proxy::{Fate, Mood, Proxy},
};
use crate::member::{Member, json_of};
use crate::{faults::chance::Chance, support::post, wrapper::run::eventually};

/// A pool whose leases last.
const LASTING: &str = "pools: [{name: p, expire: 300}]";
/// The same, and nobody waits long for a memcached that is away.
const SHORT_OUTAGE: &str = "memcache: {timeout: 0.3, outage: 1}\npools: [{name: p, expire: 300}]";

/// What is said to whom does not wait.
fn down() -> (u16, Value) {
    (503, "backend_down".into())
}

/// Checks that nothing can be had while memcached is away, and that all is answered.
fn is_down(member: &Member, lease: &Value) {
    for call in ["get", "wait", "release"] {
        let (status, word) = member.ask(call, "ann");
        assert_eq!(status, 503, "{call}: {word}");
        assert!(call == "release" || word == "NO", "{call}: {word}");
    }
    for wait in [0, 30] {
        let (status, answer) = member.call("acquire", &json!({"host": "ann", "wait": wait}));
        assert_eq!((status, answer["kind"].clone()), down(), "{answer}");
    }
    assert_eq!(member.renew(lease), down());
    assert_eq!(member.release(lease), down());
}

/// Checks that it gives and takes slots again, from the moment on in which it says so.
fn is_well(member: &Member) {
    eventually("slots are given again", || {
        let (status, word) = member.ask("get", "well");
        assert!(status == 503 || word == "YES", "{status} {word}");
        status == 200
    });
    assert_eq!(member.ask("get", "other").1, "NO");
    assert_eq!(member.ask("release", "well"), (200, "OK".into()));
}

/// An acquire of this host that has reached its pool when this returns.
fn parked(member: &Member, host: &str) -> crate::support::Client {
    let mut client = member.server().connect();
    let acquire = post("/v1/pools/p/acquire", &json!({"host": host, "wait": 60}).to_string());
    client.send_raw(&format!("GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n{acquire}"));
    assert_eq!(client.answer().0, 404);
    client
}

/// A lease that there is not.
fn no_lease() -> Value {
    json!({"lease": "0123456789abcdef0123456789abcdef"})
}

#[test]
fn a_server_starts_without_its_memcached_and_is_well_when_that_comes() {
    let mut memcached = Memcached::away();
    let member = Member::start(memcached.addr(), SHORT_OUTAGE);
    is_down(&member, &no_lease());

    memcached.comes();

    is_well(&member);
}

#[test]
fn a_server_whose_memcached_goes_says_so_and_is_well_when_that_is_back() {
    let mut memcached = Memcached::start();
    let member = Member::start(memcached.addr(), SHORT_OUTAGE);
    let lease = member.gives("web1", "o");

    memcached.is_killed();
    is_down(&member, &lease);
    memcached.comes();

    is_well(&member);
}

#[test]
fn a_server_whose_memcached_stands_still_says_so_and_is_well_when_that_goes_on() {
    let memcached = Memcached::start();
    let member = Member::start(memcached.addr(), SHORT_OUTAGE);
    let lease = member.gives("web1", "o");

    memcached.freeze();
    is_down(&member, &lease);
    memcached.thaw();

    eventually("the lease is renewed", || member.renew(&lease).0 == 200);
    assert_eq!(member.ask("get", "other").1, "NO");
    assert_eq!(member.release(&lease).0, 204);
    is_well(&member);
}

#[test]
fn a_lease_that_memcached_forgot_is_lost_and_the_slot_is_free() {
    let mut memcached = Memcached::start();
    let member = Member::start(memcached.addr(), LASTING);
    let lost = member.gives("web1", "o");

    memcached.is_killed();
    memcached.comes();

    eventually("it is told to be lost", || {
        let answer = member.renew(&lost);
        assert!(answer == down() || answer == (410, "lease_lost".into()), "{answer:?}");
        answer.0 == 410
    });
    let next = member.gives("web2", "o");
    assert!(next["token"].as_u64() > lost["token"].as_u64());
    member.says("vanished pool=p host=web1");
}

#[test]
fn who_waits_when_memcached_goes_for_a_moment_gets_the_slot_afterwards() {
    let mut memcached = Memcached::start();
    let member = Member::start(memcached.addr(), LASTING);
    let _lost = member.gives("web1", "o");
    let mut bob = member.server().waiting("bob", "p");
    let mut cid = parked(&member, "cid");
    member.line_is(2);

    memcached.is_killed();
    assert_eq!(member.ask("release", "nobody").0, 503); // the server has felt it
    assert!(bob.is_parked(member.server()) && cid.is_parked(member.server()));
    memcached.comes();

    assert_eq!(bob.answer(), (200, "YES".into()));
    assert!(cid.is_parked(member.server()), "one slot");
    assert_eq!(member.ask("release", "bob").1, "OK");
    assert_eq!(cid.answer().0, 201);
}

#[test]
fn who_waits_when_memcached_stands_still_for_a_moment_is_served_in_the_same_order() {
    let memcached = Memcached::start();
    let yaml = format!("memcache: {{timeout: 0.2}}\n{LASTING}");
    let member = Member::start(memcached.addr(), &yaml);
    let lease = member.gives("web1", "o");
    let mut waiters: Vec<_> = (0..20).map(|n| member.server().waiting(&format!("web{n}"), "p")).collect();

    member.line_is(20);
    memcached.freeze();
    assert_eq!(member.renew(&lease), down());
    memcached.thaw();

    eventually("the slot is given back", || matches!(member.release(&lease).0, 204 | 410));
    for (n, waiter) in waiters.iter_mut().enumerate() {
        assert_eq!(waiter.answer(), (200, "YES".into()));
        assert_eq!(member.ask("release", &format!("web{n}")).1, "OK");
    }
}

#[test]
fn who_waits_while_memcached_is_away_for_long_is_told_so() {
    let mut memcached = Memcached::start();
    let member = Member::start(memcached.addr(), SHORT_OUTAGE);
    let _lost = member.gives("web1", "o");
    let mut bob = member.server().waiting("bob", "p");
    let mut cid = parked(&member, "cid");
    member.line_is(2);

    memcached.is_killed();

    assert_eq!(bob.answer(), (503, "NO".into()));
    let (status, answer) = json_of(cid.answer());
    assert_eq!((status, answer["kind"].clone()), down(), "{answer}");
}

#[test]
fn a_grant_whose_answer_is_lost_is_its_owners_or_nobodys() {
    for fate in [Fate::NoAnswer, Fate::AnswerIsCut, Fate::HalfAnswer, Fate::IsCut] {
        let memcached = Memcached::start();
        let proxy = Proxy::to(memcached.addr(), &mut Chance::new());
        let member = Member::start(proxy.addr(), SHORT_OUTAGE);
        is_well(&member);

        proxy.becomes(Mood::Always(fate));
        assert_eq!(member.ask("get", "ann"), (503, "NO".into()), "{fate:?}");
        let ask = json!({"host": "bob", "owner": "o", "patience": 0});
        let (status, answer) = member.call("acquire", &ask);
        assert_eq!((status, answer["kind"].clone()), down(), "{fate:?}: {answer}");
        proxy.becomes(Mood::Whole);

        eventually("it is undone", || member.ask("get", "well") == (200, "YES".into()));
        assert_eq!(member.call("acquire", &ask).0, 423, "{fate:?}");
    }
}

#[test]
fn a_release_whose_answer_is_lost_may_be_repeated() {
    for fate in [Fate::NoAnswer, Fate::AnswerIsCut, Fate::HalfAnswer, Fate::IsCut] {
        let memcached = Memcached::start();
        let proxy = Proxy::to(memcached.addr(), &mut Chance::new());
        let member = Member::start(proxy.addr(), SHORT_OUTAGE);
        let lease = member.gives("web1", "o");

        proxy.becomes(Mood::Always(fate));
        assert_eq!(member.release(&lease), down(), "{fate:?}");
        proxy.becomes(Mood::Whole);

        eventually("it is released", || {
            let (status, kind) = member.release(&lease);
            assert!([204, 410, 503].contains(&status), "{fate:?}: {status} {kind}");
            status != 503
        });
        is_well(&member);
    }
}

#[test]
fn a_write_that_comes_when_nobody_expects_it_any_more_gives_no_slot_twice() {
    let memcached = Memcached::start();
    let proxy = Proxy::to(memcached.addr(), &mut Chance::new());
    let late = Member::start(proxy.addr(), SHORT_OUTAGE);
    let other = Member::start(memcached.addr(), SHORT_OUTAGE);
    is_well(&late);

    proxy.becomes(Mood::Always(Fate::ComesLate(Duration::from_secs(1))));
    assert_eq!(late.ask("get", "ann"), (503, "NO".into()));
    let lease = other.gives("bob", "o");
    pass(Duration::from_secs(2)); // by then it has come
    proxy.becomes(Mood::Whole);

    assert_eq!(other.renew(&lease).0, 200);
    eventually("memcached can be heard", || late.ask("get", "ann") == (200, "NO".into()));
    assert_eq!(late.release(&lease).0, 204);
    eventually("it is free", || late.ask("get", "ann") == (200, "YES".into()));
}
