//! Signals while the command runs: it gets them, with all of its group, and decides.

use std::process::Stdio;

use rustix::process::Signal;

use super::{
    ONE_SLOT,
    run::{Run, wrapper},
};
use crate::{fake::Fake, support::Server};

#[test]
fn signals_reach_the_command_and_its_children() {
    let server = Server::start(ONE_SLOT);
    for (signal, name) in [
        (Signal::INT, "INT"),
        (Signal::TERM, "TERM"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
    ] {
        // Each of the two tells of the signal and ends; the outer shell waits for the inner one first.
        let inner = format!("trap 'echo inner; exit 0' {name}; echo ready; while :; do sleep 0.01; done");
        let script = format!("trap 'echo outer; exit 5' {name}; sh -c \"{inner}\"; exit 6");
        let mut run = Run::start(wrapper(server.addr).arg(script));
        assert_eq!(run.line(), "ready");

        run.signal(signal);

        assert_eq!([run.line(), run.line()], ["inner", "outer"], "{name}");
        assert_eq!(run.end().0, 5, "{name}");
    }
}

#[test]
fn a_command_that_a_passed_on_signal_ends_says_so() {
    let server = Server::start(ONE_SLOT);
    let mut run = Run::start(wrapper(server.addr).args(["sh", "-c", "echo ready; exec sleep 60"]));
    assert_eq!(run.line(), "ready");

    run.signal(Signal::TERM);

    assert_eq!(run.end().0, 143);
    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
}

#[test]
fn a_command_that_ignores_a_signal_keeps_its_slot() {
    let server = Server::start(ONE_SLOT);
    let script = "trap '' TERM; echo ready; read line; exit 4";
    let mut run = Run::start(wrapper(server.addr).arg(script).stdin(Stdio::piped()));
    assert_eq!(run.line(), "ready");

    run.signal(Signal::TERM);

    assert_eq!(server.get("/get?host=other&pool=p").1, "NO");
    drop(run.child.stdin.take());
    assert_eq!(run.end().0, 4);
}

#[test]
fn what_was_ignored_stays_ignored_and_nothing_is_blocked() {
    let server = Server::start(ONE_SLOT);
    let program = env!("CARGO_BIN_EXE_distributex");
    let line = format!(
        "trap '' HUP; exec {program} -H {} -r p --host web1 -- grep -E 'Sig(Blk|Ign)' /proc/self/status",
        server.addr
    );
    let mut run = Run::start(std::process::Command::new("/bin/sh").args(["-c", &line]));

    let mask = |line: String| u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
    let (blocked, ignored) = (mask(run.line()), mask(run.line()));

    let bit = |signal: Signal| 1_u64 << (signal.as_raw() - 1);
    assert_eq!(blocked, 0);
    assert_ne!(ignored & bit(Signal::HUP), 0);
    for signal in [Signal::INT, Signal::TERM, Signal::CHILD, Signal::PIPE, Signal::TSTP, Signal::TTOU] {
        assert_eq!(ignored & bit(signal), 0, "{signal:?}");
    }
    assert_eq!(run.end().0, 0);
}

#[test]
fn a_signal_does_not_keep_the_slot_from_going_back() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("exit 3"));
    server.asked_to("wait").answer("YES");
    let asked = server.asked_to("release");

    run.signal(Signal::TERM);
    drop(asked);

    server.asked_to("release").answer("OK");
    assert_eq!(run.end(), (3, String::new()));
}

#[test]
fn a_second_signal_ends_a_release_that_leads_nowhere() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("exit 3"));
    server.asked_to("wait").answer("YES");
    let asked = server.asked_to("release");

    run.signal(Signal::TERM);
    run.signal(Signal::INT);

    let (code, said) = run.end();
    assert_eq!(code, 3);
    assert!(said.contains("could not release the slot of \"p\"") && said.lines().count() == 1, "{said}");
    drop(asked);
}
