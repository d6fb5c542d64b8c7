//! A hundred hosts and three servers, whose memcached stands still, is restarted, or cannot be heard well; and a
//! server whose clock is wrong.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    ONE_SLOT, THREE_SLOTS,
    memcached::Memcached,
    pass,
    proxy::{Mood, Proxy},
};
use crate::member::Member;
use crate::{
    faults::{chance::Chance, clock::Clock},
    fight::{history::History, hosts::Fight},
    wrapper::run::eventually,
};

/// How many servers there are.
const SERVERS: usize = 3;
/// A server that asks memcached gives up sooner than usual.
const IMPATIENT: &str = "memcache: {timeout: 0.3}\n";
/// How often memcached has trouble.
const TROUBLES: usize = 4;
/// How many slots are given at least from one trouble to the next one.
const BETWEEN: usize = 50;
/// It stands still for so long at most: less than a server waits for it, or more.
const PAUSE: Duration = Duration::from_millis(800);
/// What comes late is late by so much at most: most of it when its server has given it up.
const LATE: Duration = Duration::from_secs(3);
/// It can hardly be heard for so long, before that changes.
const TROUBLE: Duration = Duration::from_millis(1500);
/// It stands still for so long that all leases are over.
const LONG_PAUSE: Duration = Duration::from_secs(4);

#[test]
fn one_slot_is_never_held_twice_though_memcached_stands_still() {
    stands_still(1, ONE_SLOT, PAUSE);
}

#[test]
fn three_slots_are_never_held_by_four_though_memcached_stands_still() {
    stands_still(3, THREE_SLOTS, LONG_PAUSE);
}

fn stands_still(slots: usize, yaml: &str, longest: Duration) {
    let memcached = Memcached::start();
    let yaml = format!("{IMPATIENT}{yaml}");
    let mut members = [(); SERVERS].map(|()| Member::start(memcached.addr(), &yaml));
    let mut chance = Chance::new();
    let mut pauses = [(); TROUBLES].map(|()| chance.up_to(PAUSE));
    pauses[TROUBLES / 2] = longest;

    let history = Fight::of(slots, &mut members, |fight, _| {
        for pause in pauses {
            fight.gives(BETWEEN);
            memcached.freeze();
            pass(pause);
            memcached.thaw();
        }
        fight.gives(BETWEEN);
    });

    history.is_right();
}

#[test]
fn leases_are_lost_with_memcached_and_tokens_rise_all_the_same() {
    let mut memcached = Memcached::start();
    let mut members = [(); SERVERS].map(|()| Member::start(memcached.addr(), THREE_SLOTS));
    let mut chance = Chance::new();

    let history = Fight::of(3, &mut members, |fight, members| {
        for _ in 0..TROUBLES {
            fight.gives(BETWEEN);
            let begin = Instant::now();
            memcached.is_killed();
            pass(chance.up_to(PAUSE));
            memcached.comes();
            fight.store_was_lost(begin, Instant::now());
        }
        fight.gives(BETWEEN);
        // And a server that has seen nothing of what was before.
        let begin = Instant::now();
        memcached.is_killed();
        members[0].is_killed();
        memcached.comes();
        fight.store_was_lost(begin, Instant::now());
        members[0].comes();
        fight.gives(BETWEEN);
    });

    history.is_right();
}

#[test]
fn three_slots_are_never_held_by_four_though_memcached_can_hardly_be_heard() {
    hardly_heard(&["p"], 3);
}

#[test]
fn no_slot_of_many_pools_is_held_twice_though_memcached_can_hardly_be_heard() {
    hardly_heard(&["p", "q", "r", "s", "t"], 1);
}

fn hardly_heard(pools: &[&'static str], slots: usize) {
    let memcached = Memcached::start();
    let mut chance = Chance::new();
    let proxies = [(); SERVERS].map(|()| Proxy::to(memcached.addr(), &mut chance));
    let settings = pools.iter().map(|pool| format!("  - {{name: {pool}, expire: 2, maxlocks: {slots}}}\n"));
    let yaml = format!("{IMPATIENT}pools:\n{}", settings.collect::<String>());
    let mut members = [0, 1, 2].map(|server: usize| Member::start(proxies[server].addr(), &yaml));
    let become_all = |mood| proxies.iter().for_each(|proxy| proxy.becomes(mood));

    let histories = Fight::of_pools(pools, slots, &mut members, |fight, _| {
        for _ in 0..TROUBLES / 2 {
            become_all(Mood::Bad(20, LATE));
            pass(TROUBLE);
            fight.gives(1);
            proxies[chance.one_of([0, 1, 2])].becomes(Mood::Bad(3, LATE));
            pass(TROUBLE);
            fight.gives(1);
        }
        become_all(Mood::Whole);
    });

    histories.iter().for_each(History::is_right);
}

#[test]
fn a_server_whose_clock_is_minutes_off_ends_no_lease_early() {
    let memcached = Memcached::start();
    let start = || Member::start(memcached.addr(), THREE_SLOTS);
    let mut members = [start(), Member::start_misled(memcached.addr(), THREE_SLOTS, Clock::new()), start()];

    let history = Fight::of(3, &mut members, |fight, members| {
        for error in ["+300", "-300", "+1d", "-1d"] {
            members[1].clock().is_wrong_by(error);
            fight.gives(2 * BETWEEN);
        }
        members[1].is_restarted();
        fight.gives(2 * BETWEEN);
    });

    history.is_right();
}

#[test]
fn tokens_rise_when_memcached_and_a_server_with_a_fast_clock_are_gone() {
    let mut memcached = Memcached::start();
    let clock = Clock::new();
    clock.is_wrong_by("+300");
    let mut misled = Member::start_misled(memcached.addr(), THREE_SLOTS, clock);
    let mut before = (503, Value::Null);
    eventually("its clock does not matter any more", || {
        before = misled.call("acquire", &json!({"host": "ann"}));
        before.0 == 201
    });

    misled.is_killed();
    memcached.is_killed();
    memcached.comes();
    let member = Member::start(memcached.addr(), THREE_SLOTS);

    let after = member.gives("bob", "o");
    assert!(after["token"].as_u64() > before.1["token"].as_u64(), "{before:?} {after}");
}
