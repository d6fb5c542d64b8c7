//! A person who stops a job for longer than its slot is held.

use super::{ONE_SLOT, TTL};
use crate::{support::Server, wrapper::pty::Terminal};

#[test]
fn a_job_that_was_stopped_for_too_long_is_dead_when_it_is_brought_back() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
    terminal.runs(server.addr, &format!("-t {} 'echo started; read line; echo got $line'", TTL.1));
    let mut bob = server.waiting("bob", "p");

    terminal.types("\x1a");
    terminal.sees("Stopped");
    terminal.sees("READY>");
    assert_eq!(bob.answer().1, "YES");
    terminal.types("fg\n");

    terminal.sees("lost the slot");
    assert_eq!(terminal.status(), "79");
}
