//! A memcached that is full.

use serde_json::{Value, json};

use super::memcached::Memcached;
use crate::member::Member;
use crate::wrapper::run::eventually;

/// A memcached that is small enough to be filled.
const SMALL: [&str; 5] = ["-M", "-m", "2", "-f", "4"];
/// Two slots.
const POOL: &str = "pools: [{name: p, expire: 300, maxlocks: 2}]";

/// What is answered when memcached takes nothing.
fn refused() -> (u16, Value) {
    (503, "backend_down".into())
}

#[test]
fn a_full_memcached_takes_nothing_new_until_there_is_room() {
    let memcached = Memcached::start_with(&SMALL);
    let member = Member::start(memcached.addr(), POOL);
    let mut text = memcached.text();
    let filled = text.fill();

    for call in ["get", "wait"] {
        assert_eq!(member.ask(call, "ann"), (503, "NO".into()), "{call}");
    }
    let (status, answer) = member.call("acquire", &json!({"host": "ann"}));
    assert_eq!((status, answer["kind"].clone()), refused(), "{answer}");
    text.take_out(&filled);

    eventually("it is well", || member.ask("get", "ann") == (200, "YES".into()));
}

#[test]
fn no_server_loses_a_lease_because_memcached_is_full() {
    let memcached = Memcached::start_with(&SMALL);
    let start = || Member::start(memcached.addr(), POOL);
    let (one, other) = (start(), start());
    let (renewed, new) = (one.gives("ann", "o"), one.gives("bob", "o"));
    assert_eq!(one.renew(&renewed).0, 200);
    assert_eq!(other.ask("get", "cid"), (200, "NO".into()));
    let mut text = memcached.text();
    let filled = text.fill();

    assert_eq!(one.renew(&renewed).0, 200, "only its end changes");
    for (member, lease) in [(&one, &new), (&other, &new), (&other, &renewed)] {
        assert_eq!(member.renew(lease), refused());
    }
    assert_eq!(one.look("/v1/pools/p").1["held"], 2);
    assert_eq!(other.ask("get", "cid"), (200, "NO".into()));
    eventually("it is said", || one.log().contains("refuses new leases and most renewals (out of memory"));
    text.take_out(&filled);

    for (member, lease) in [(&one, &new), (&other, &renewed)] {
        eventually("it is renewed", || member.renew(lease).0 == 200);
        assert_eq!(member.release(lease).0, 204);
    }
    assert_eq!(one.log().matches("refuses new leases").count(), 1);
}
