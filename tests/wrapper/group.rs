//! What the command leaves in the background holds the slot, too.

use std::{fs, process::Stdio};

use rustix::process::Signal;

use super::{
    ONE_SLOT,
    run::{Run, eventually, folder, wrapper},
};
use crate::support::Server;

/// Leaves a process behind that reads from the wrapper's input until that ends.
const LEAVE_ONE: &str = "exec 3<&0; (read line <&3; exit 9) & echo left; exit 2";

#[test]
fn the_slot_is_held_until_the_last_of_the_group_ended() {
    let server = Server::start(ONE_SLOT);
    let mut run = Run::start(wrapper(server.addr).args(["-v", LEAVE_ONE]).stdin(Stdio::piped()));
    assert_eq!(run.line(), "left");
    run.says("still running");

    assert_eq!(server.get("/get?host=other&pool=p").1, "NO");
    drop(run.child.stdin.take());

    assert_eq!(run.end().0, 2);
    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
}

#[test]
fn it_is_not_held_for_them_if_that_is_not_wanted() {
    let server = Server::start(ONE_SLOT);
    let line = format!("exec 2>&-; {LEAVE_ONE}");
    let mut run = Run::start(wrapper(server.addr).args(["--no-wait-group", &line]).stdin(Stdio::piped()));

    assert_eq!(run.line(), "left");
    assert_eq!(run.end().0, 2);

    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
    drop(run.child.stdin.take());
}

#[test]
fn signals_reach_what_is_left() {
    let server = Server::start(ONE_SLOT);
    let mut run = Run::start(wrapper(server.addr).args(["-v", "sleep 60 & exit 2"]));
    run.says("still running");

    run.signal(Signal::TERM);

    assert_eq!(run.end().0, 2, "the command had ended by itself");
}

#[test]
fn a_process_that_is_no_child_of_ours_is_waited_for() {
    // The middle one leaves the group and stays the parent of the last, whose end nobody tells us.
    let server = Server::start(ONE_SLOT);
    let script = "exec 3<&0; setsid -w sh -c 'sleep 0.3' & (read line <&3) & echo left; exit 2";
    let mut run = Run::start(wrapper(server.addr).args(["-v", script]).stdin(Stdio::piped()));
    assert_eq!(run.line(), "left");
    run.says("still running");

    drop(run.child.stdin.take());

    assert_eq!(run.end().0, 2);
}

#[test]
fn a_daemon_does_not_hold_the_slot() {
    let server = Server::start(ONE_SLOT);
    let pid_file = folder().join("pid");
    let daemon = format!("setsid sh -c 'echo $$ > {}; exec sleep 60' >/dev/null 2>&1 &", pid_file.display());
    let mut run = Run::start(wrapper(server.addr).arg(daemon));

    assert_eq!(run.end().0, 0);

    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
    let read = || fs::read_to_string(&pid_file).unwrap_or_default();
    eventually("the daemon runs", || read().ends_with('\n'));
    let daemon = rustix::process::Pid::from_raw(read().trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(daemon, Signal::KILL).unwrap();
}
