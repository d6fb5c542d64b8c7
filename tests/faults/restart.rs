//! A server that is killed while many wait, and comes back.

use std::process::{Child, Stdio};

use super::{ONE_SLOT, pair::line_of, witness::Witness};
use crate::{
    fake::Port,
    support::Server,
    wrapper::run::{eventually, kill_with_children, wrapper_as},
};

/// How many wait.
const MANY: usize = 200;

/// Wrappers that wait. Killed if the test ends before they do.
pub(crate) struct Crowd(pub(crate) Vec<Child>);

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(kill_with_children);
    }
}

#[test]
fn all_who_wait_for_a_server_that_was_killed_have_their_turn_when_it_is_back() {
    let (port, witness) = (Port::take(), Witness::new());
    let server = Server::start_at(ONE_SLOT, port.addr());
    assert_eq!(server.word("/get?host=first&pool=p"), "YES"); // runs nothing: its slot is forgotten with the server
    let wait = |n: usize| {
        let mut command = wrapper_as(server.addr, "web1");
        command.arg(witness.watches(&n.to_string(), "")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut crowd = Crowd((0..MANY).map(wait).collect());
    eventually("all stand in line", || line_of(&server) == MANY as u64);

    drop(server);
    let _server = Server::start_at(ONE_SLOT, port.addr());

    for n in 0..MANY {
        eventually("the next one has its turn", || witness.started().len() > n);
    }
    for wrapper in &mut crowd.0 {
        eventually("its wrapper ends", || wrapper.try_wait().unwrap().is_some());
        assert!(wrapper.wait().unwrap().success());
    }
    witness.saw_no_overlap();
    let mut turns: Vec<usize> =
        witness.started().iter().map(|started| started.name.parse().unwrap()).collect();
    turns.sort_unstable();
    assert_eq!(turns, (0..MANY).collect::<Vec<_>>(), "everybody once");
}
