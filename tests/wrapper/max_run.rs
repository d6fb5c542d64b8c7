//! A command that may not run longer than it was given.

use std::fs;

use super::{
    ONE_SLOT,
    run::{Run, ended, eventually, wrapper},
};
use crate::support::Server;

#[test]
fn a_command_that_takes_too_long_is_stopped() {
    let server = Server::start(ONE_SLOT);

    let (code, _, said) = ended(wrapper(server.addr).args(["--max-run", "0.2", "--", "sleep", "60"]));

    assert_eq!(code, 124);
    assert!(said.contains("ran longer than 0.2 s") && said.lines().count() == 1, "{said}");
    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
}

#[test]
fn one_that_is_quicker_is_not() {
    let server = Server::start(ONE_SLOT);

    assert_eq!(ended(wrapper(server.addr).args(["--max-run", "60", "exit 3"])), (3, "".into(), "".into()));
}

#[test]
fn a_command_that_wants_to_go_on_is_killed() {
    let server = Server::start(ONE_SLOT);
    let script = "trap 'echo term' TERM; echo started; while :; do sleep 0.01; done";
    let mut command = wrapper(server.addr);
    let mut run = Run::start(command.args(["--max-run", "1", "--kill-after", "2", script]));

    assert_eq!([run.line(), run.line()], ["started", "term"]);

    assert_eq!(run.end().0, 124);
    assert_eq!(run.line(), "", "nobody writes any more");
}

#[test]
fn it_is_stopped_although_nobody_reads_what_is_said() {
    let server = Server::start(ONE_SLOT);
    let script = "echo $$; exec yes >&2"; // fills the pipe that the wrapper writes to
    let mut run = Run::start(wrapper(server.addr).args(["--max-run", "0.5", script]));
    let stat = format!("/proc/{}/stat", run.line());

    eventually("the command is dead", || !fs::exists(&stat).unwrap());

    assert_eq!(run.end().0, 124);
}

#[test]
fn it_may_say_goodbye() {
    let server = Server::start(ONE_SLOT);
    let script = "trap 'echo bye; exit 0' TERM; kill -STOP $$; while :; do sleep 0.01; done";

    let (code, output, _) = ended(wrapper(server.addr).args(["--max-run", "1", script]));

    assert_eq!((code, output.as_str()), (124, "bye\n"), "also when it was stopped");
}

#[test]
fn what_it_left_running_counts_too() {
    let server = Server::start(ONE_SLOT);

    let (code, ..) = ended(wrapper(server.addr).args(["--max-run", "0.2", "sleep 60 & exit 0"]));

    assert_eq!(code, 124);
    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
}
