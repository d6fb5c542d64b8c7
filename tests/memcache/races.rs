//! A hundred hosts and three servers, which are killed and come back.

use std::time::Duration;

use super::{ONE_SLOT, THREE_SLOTS, memcached::Memcached, pass};
use crate::member::Member;
use crate::{
    faults::chance::Chance,
    fight::{
        history::{History, Mistake},
        hosts::Fight,
    },
};

/// How many servers there are.
const SERVERS: usize = 3;
/// How often one of them is killed.
const KILLS: usize = 5;

/// They fight for these slots, while servers are killed. From one kill to the next, slots are given `between`
/// times at least.
fn fight(slots: usize, yaml: &str, between: usize) {
    let memcached = Memcached::start();
    let mut members = [(); SERVERS].map(|()| Member::start(memcached.addr(), yaml));
    let mut chance = Chance::new();

    let history = Fight::of(slots, &mut members, |fight, members| {
        for _ in 0..KILLS {
            fight.gives(between);
            let killed = chance.one_of([0, 1, 2]);
            members[killed].is_killed();
            pass(chance.up_to(Duration::from_millis(500)));
            members[killed].comes();
        }
        fight.gives(between);
    });

    history.is_right();
}

#[test]
fn one_slot_is_never_held_twice_though_servers_are_killed() {
    fight(1, ONE_SLOT, 60);
}

#[test]
fn three_slots_are_never_held_by_four_though_servers_are_killed() {
    fight(3, THREE_SLOTS, 150);
}

#[test]
fn pools_of_one_memcached_do_not_touch_each_other_though_servers_are_killed() {
    let memcached = Memcached::start();
    let pools = ["p", "q", "r", "s", "t"];
    let settings = pools.map(|pool| format!("  - {{name: {pool}, expire: 2}}\n")).concat();
    let yaml = format!("pools:\n{settings}");
    let mut members = [(); SERVERS].map(|()| Member::start(memcached.addr(), &yaml));

    let histories = Fight::of_pools(&pools, 1, &mut members, |fight, members| {
        for member in members {
            fight.gives(300);
            member.is_restarted();
        }
        fight.gives(300);
    });

    histories.iter().for_each(History::is_right);
}

#[test]
fn servers_that_share_nothing_are_found_out() {
    let found_out = || {
        let mut members = [(); SERVERS].map(|()| Member::alone(THREE_SLOTS));
        let mistakes = Fight::of(3, &mut members, |fight, _| fight.gives(30)).mistakes();
        mistakes.iter().any(|mistake| matches!(mistake, Mistake::TooMany(_)))
            && mistakes.iter().any(|mistake| matches!(mistake, Mistake::EndedEarly(_)))
    };

    assert!((0..20).any(|_| found_out()), "it takes chance to end a lease early, but not so much of it");
}

#[test]
fn a_server_of_its_own_is_right() {
    let mut members = [Member::alone(THREE_SLOTS)];

    let history = Fight::of(3, &mut members, |fight, _| fight.gives(1000));

    history.is_right();
}
