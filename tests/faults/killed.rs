//! Wrappers that are killed at any moment of their lives.

use std::{process::Stdio, time::Duration};

use super::{TTL, chance::Chance, pass, witness::Witness};
use crate::{
    support::Server,
    wrapper::run::{eventually, wrapper_as},
};

/// How many wrappers there are. Each has a slot for itself.
const MANY: usize = 40;
/// About the time from the start of a wrapper until its command runs.
const START: Duration = Duration::from_millis(60);

#[test]
fn nothing_runs_on_whenever_a_wrapper_was_killed() {
    let server = Server::start(&format!("pools: [{{name: p, maxlocks: {MANY}}}]"));
    let mut chance = Chance::new();

    let witnesses = [(); MANY].map(|()| {
        let witness = Witness::new();
        let mut command = wrapper_as(server.addr, "web1");
        command.env(TTL.0, TTL.1).arg(witness.watches("it", "trap '' TERM; sleep 60 & sleep 60"));
        let mut wrapper = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        pass(chance.up_to(START));
        wrapper.kill().unwrap();
        wrapper.wait().unwrap();
        witness
    });

    for witness in witnesses {
        eventually("nothing runs", || witness.sees_nobody());
    }
}
