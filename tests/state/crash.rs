//! A server that is killed hundreds of times, at any moment, while a hundred hosts fight for its slots and wrappers
//! wait for theirs. What they saw is checked as a whole.

use std::{process::Stdio, time::Duration};

use super::{disk::MoodyDisk, keeping, pass};
use crate::{
    faults::{chance::Chance, restart::Crowd, witness::Witness},
    fight::{
        history::History,
        hosts::{At as _, Fight},
    },
    member::Member,
    wrapper::run::{eventually, wrapper_as},
};

/// Pools with one slot each: who gets it while another one has it is found out. Leases that nobody heard of come back
/// soon.
const POOLS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
/// For wrappers.
const ONE_SLOT: &str = "pools: [{name: p}]";
/// How often it is killed.
const KILLS: usize = 250;
/// Hosts have their slots for so long, at most: longer than the server lives.
const WORK: Duration = Duration::from_millis(150);
/// It lives so long at most.
const LIFE: Duration = Duration::from_millis(160);

#[test]
fn a_server_that_is_killed_hundreds_of_times_gives_no_slot_twice_and_forgets_nothing() {
    is_killed_often(keeping(&pools()));
}

#[test]
fn a_machine_that_loses_its_power_hundreds_of_times_gives_no_slot_twice_and_forgets_nothing() {
    is_killed_often(MoodyDisk::new().server_without_power(&pools()));
}

/// The configuration of all of them.
fn pools() -> String {
    format!("pools:\n{}", POOLS.map(|pool| format!("  - {{name: {pool}, expire: 2}}\n")).concat())
}

fn is_killed_often(member: Member) {
    let (mut members, mut chance) = ([member], Chance::new());

    let histories = Fight::of_workers(WORK, &POOLS, 1, &mut members, |fight, members| {
        for kill in 0..KILLS {
            pass(chance.up_to(LIFE));
            members[0].is_restarted();
            if kill % 50 == 49 {
                fight.gives(POOLS.len());
            }
        }
        fight.gives(100);
    });

    histories.iter().for_each(History::is_right);
}

#[test]
fn a_disk_that_fails_again_and_again_costs_answers_and_no_promise() {
    let disk = MoodyDisk::new();
    let mut members = [disk.server_without_power(&pools())];
    let mut chance = Chance::new();

    let histories = Fight::of_workers(WORK, &POOLS, 1, &mut members, |fight, members| {
        for _ in 0..12 {
            fight.gives(POOLS.len());
            disk.becomes(chance.one_of(["eio", "enospc", "clean"]));
            pass(chance.up_to(LIFE));
            if chance.once_in(2) {
                members[0].is_killed();
                disk.recovers();
                members[0].comes();
            } else {
                disk.recovers();
            }
        }
        fight.gives(100);
    });

    histories.iter().for_each(History::is_right);
}

#[test]
fn wrappers_have_their_turns_in_their_order_and_once_each_however_often_the_server_is_killed() {
    const MANY: usize = 10;
    let (mut member, witness, mut chance) = (keeping(ONE_SLOT), Witness::new(), Chance::new());
    let line = |member: &Member| member.look("/v1/pools/p").1["queue"]["length"].as_u64();
    assert_eq!(member.server().word("/get?host=first&pool=p"), "YES");
    let mut crowd = Crowd(Vec::new());
    for n in 0..MANY {
        let mut command = wrapper_as(member.addr(), &format!("web{n}"));
        command.arg(witness.watches(&n.to_string(), "sleep 0.1")).stdin(Stdio::null());
        crowd.0.push(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        eventually("it stands in line", || line(&member) == Some(n as u64 + 1));
    }

    member.is_restarted();
    assert_eq!(line(&member), Some(MANY as u64));
    assert_eq!(member.server().word("/release?host=first&pool=p"), "OK");
    while witness.started().len() < MANY {
        pass(Duration::from_millis(300) + chance.up_to(Duration::from_secs(1)));
        member.is_restarted();
    }
    for wrapper in &mut crowd.0 {
        eventually("it ends", || wrapper.try_wait().unwrap().is_some());
        assert!(wrapper.wait().unwrap().success());
    }

    witness.saw_no_overlap();
    let turns: Vec<usize> = witness.started().iter().map(|started| started.name.parse().unwrap()).collect();
    assert_eq!(turns, (0..MANY).collect::<Vec<_>>());
}
