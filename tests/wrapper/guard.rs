//! The guard by itself: what it does to a group when it is told things, and when nobody tells any more.

use std::{
    fs,
    io::Read as _,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Signal, kill_process, kill_process_group};

use super::{
    guarded::{Group, Guard, NAME, now},
    run::eventually,
};

/// So long after now there is no deadline that a test waits for.
const FAR: Duration = Duration::from_secs(3600);
/// A command that answers TERM, and goes on.
const ANSWERS: &str = "trap 'echo term' TERM; echo ready; while :; do sleep 0.01; done";

const TERM: Option<i32> = Some(Signal::TERM.as_raw());
const KILL: Option<i32> = Some(Signal::KILL.as_raw());

#[test]
fn a_group_is_asked_to_end_before_its_deadline_and_killed_then() {
    let mut group = Group::start(ANSWERS);
    let (kill, grace) = (Duration::from_millis(2000), Duration::from_millis(1600));
    let started = now();
    let mut guard = Guard::of(&group, kill, grace);

    assert_eq!(group.line(), "term");
    assert!(now() - started >= kill - grace);
    assert_eq!(group.ended_by(), KILL);

    assert!(now() - started >= kill);
    assert_eq!(guard.end(), 79);
}

#[test]
fn without_a_grace_it_is_only_killed() {
    let mut group = Group::start(ANSWERS);
    let mut guard = Guard::of(&group, Duration::from_millis(100), Duration::ZERO);

    assert_eq!(group.line(), "");

    assert_eq!(group.ended_by(), KILL);
    assert_eq!(guard.end(), 79);
}

#[test]
fn each_new_deadline_takes_the_place_of_the_old_one() {
    let mut group = Group::start("echo ready; exec sleep 60");
    let started = now();
    let (kill, grace) = (Duration::from_secs(2), Duration::from_secs(1));
    let mut guard = Guard::of(&group, kill, grace);

    guard.tell_deadline(2 * kill, grace);

    assert_eq!(group.ended_by(), TERM);
    assert!(now() - started >= 2 * kill - grace);
    assert_eq!(guard.end(), 79);
}

#[test]
fn when_the_wrapper_is_gone_the_group_is_asked_and_killed_a_grace_later() {
    // The group lives longer than its grace before: that counts from the wrapper's end.
    let mut group =
        Group::start("echo ready; sleep 2.1; trap 'echo term' TERM; echo on; while :; do sleep 0.01; done");
    let grace = Duration::from_secs(2);
    let mut guard = Guard::of(&group, FAR, grace);
    assert_eq!(group.line(), "on");
    let asked = now();

    guard.hears_no_more();

    assert_eq!(group.line(), "term");
    assert_eq!(group.ended_by(), KILL);
    assert!(now() - asked >= grace);
    assert_eq!(guard.end(), 79);
}

#[test]
fn a_deadline_that_is_near_is_kept_also_without_a_wrapper() {
    let mut group = Group::start("trap '' TERM; echo ready; while :; do sleep 0.01; done");
    let mut guard = Guard::of(&group, Duration::from_millis(300), FAR);

    guard.hears_no_more();

    assert_eq!((group.ended_by(), guard.end()), (KILL, 79));
}

#[test]
fn what_is_stopped_is_asked_too() {
    // It starts nothing: a shell that is stopped while its child has not become a program yet never stands.
    let mut group = Group::start("trap 'echo term' TERM; echo ready; while :; do :; done");
    let mut guard = Guard::of(&group, FAR, Duration::from_secs(2));
    group.freeze();

    guard.hears_no_more();

    assert_eq!(group.line(), "term");
    assert_eq!((group.ended_by(), guard.end()), (KILL, 79));
}

#[test]
fn nobody_of_the_group_is_left_whatever_it_does() {
    for script in [
        "sleep 60 & echo ready; exit 0",
        "sh -c 'sh -c \"echo ready; sleep 60\" & sleep 60' & wait",
        "trap '' TERM; f() { sleep 0.01; f & }; f; f & f & echo ready; wait; sleep 60",
        "echo ready; exec yes", // fills the pipe, and is stuck in it
        "trap '' TERM; echo ready; kill -STOP 0; sleep 60",
    ] {
        let mut group = Group::start(script);
        let mut guard = Guard::of(&group, FAR, Duration::from_millis(200));

        guard.hears_no_more();

        let _ = group.ended_by(); // reads to the end, which comes with the last of them
        assert_eq!(guard.end(), 79, "{script}");
    }
}

#[test]
fn when_all_is_done_it_touches_nothing() {
    let mut group = Group::start(ANSWERS);
    let mut guard = Guard::of(&group, FAR, Duration::from_secs(1));

    guard.tell_done();
    guard.hears_no_more();

    assert_eq!(guard.end(), 0);
    kill_process_group(group.pid(), Signal::TERM).unwrap();
    assert_eq!(group.line(), "term", "the first one it got");
}

#[test]
fn what_ended_by_itself_was_not_stopped() {
    // Nobody looked at its end, as when the wrapper is stopped: it is still in its group.
    let mut group = Group::start("echo ready; exit 3");
    assert_eq!(group.line(), "", "the end");
    let stat = format!("/proc/{}/stat", group.child.id());
    eventually("the command has ended", || fs::read_to_string(&stat).unwrap().contains(") Z "));

    let mut guard = Guard::of(&group, Duration::ZERO, Duration::ZERO);

    assert_eq!(guard.end(), 0);
    assert_eq!(group.child.wait().unwrap().code(), Some(3));
}

#[test]
fn without_a_group_there_is_nothing_to_do() {
    let mut guard = Guard::start();
    guard.tell_deadline(Duration::ZERO, Duration::ZERO);

    guard.hears_no_more();

    assert_eq!(guard.end(), 0);
}

#[test]
fn signals_do_not_keep_it_from_its_work() {
    let mut group = Group::start("echo ready; exec sleep 60");
    let mut guard = Guard::of(&group, FAR, Duration::from_secs(1));
    let status = format!("/proc/{}/status", guard.child.id());
    let blocked = "SigBlk:\tfffffffe7ffbfeff"; // but for KILL and STOP, and two that belong to the C library
    eventually("it is a guard", || fs::read_to_string(&status).unwrap().contains(blocked));

    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::TSTP, Signal::USR1] {
        kill_process(guard.pid(), signal).unwrap();
    }
    guard.hears_no_more();

    assert_eq!((group.ended_by(), guard.end()), (TERM, 79));
}

#[test]
fn it_keeps_nobody_waiting_for_what_it_inherited() {
    let program = env!("CARGO_BIN_EXE_distributex");
    let script = format!("exec 7>&1 8>&1; exec -a '{NAME}' {program} >/dev/null");
    let mut command = Command::new("bash");
    let mut guard = Guard {
        child: command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap(),
    };

    guard.child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();

    assert_eq!(guard.child.try_wait().unwrap(), None, "it is still there");
    guard.tell_done();
    assert_eq!(guard.end(), 0);
}
