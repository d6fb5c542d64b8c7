//! What a server says of its memcached at the start.

use super::{ONE_SLOT, memcached::Memcached};
use crate::member::Member;

#[test]
fn a_memcached_that_forgets_when_it_is_full_is_named() {
    let memcached = Memcached::start_with(&["-m", "64"]);
    let member = Member::start(memcached.addr(), ONE_SLOT);

    member.says("-M");
    assert!(member.log().lines().any(|line| line.contains("WARN") && line.contains("-M")));
}

#[test]
fn a_small_memcached_is_named() {
    let memcached = Memcached::start_with(&["-M", "-m", "2"]);
    let member = Member::start(memcached.addr(), ONE_SLOT);

    member.says("-m");
    assert!(member.log().lines().any(|line| line.contains("WARN") && line.contains("-m")));
}

#[test]
fn a_memcached_as_it_should_be_is_no_cause_for_a_warning() {
    let memcached = Memcached::start();
    let member = Member::start(memcached.addr(), ONE_SLOT);

    assert_eq!(member.ask("get", "ann"), (200, "YES".into()));
    assert_eq!(member.ask("release", "ann"), (200, "OK".into()));
    member.says("released");

    let log = member.log();
    assert!(!log.lines().any(|line| line.contains("WARN") || line.contains("ERROR")), "{log}");
}
