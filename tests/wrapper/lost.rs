//! Slots that are lost while the command runs: it is dead before somebody else can have its slot.

use std::{fs, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::time::Instant;

use super::run::{Run, eventually, wrapper};
use crate::fake::Fake;

/// How long the lease lives: TERM comes after 1.5 seconds, KILL after 2.
const TTL: f64 = 3.0;
const TERM_AFTER: Duration = Duration::from_millis(1500);
const KILL_AFTER: Duration = Duration::from_secs(2);
/// A command that says who it is, answers TERM, and goes on.
const ANSWERS: &str = "trap 'echo term' TERM; echo $$; while :; do sleep 0.01; done";

/// A run that got its lease from a server which answers nothing any more.
struct Leased {
    server: Fake,
    run: Run,
    /// Before the lease was asked for.
    before: Instant,
    /// After it was asked for, and before it was given.
    since: Instant,
    /// The command's group.
    group: Pid,
}

impl Leased {
    fn start(options: &[&str], script: &str, ttl: f64) -> Self {
        let server = Fake::start();
        let mut command = wrapper(server.addr());
        let before = Instant::now();
        let mut run = Run::start(command.args(options).arg(script).stdin(Stdio::null()));
        let asked = server.asked_v1("acquire");
        let since = Instant::now();
        asked.give("s", ttl);
        let group = Pid::from_raw(run.line().parse().unwrap()).unwrap();
        Self { server, run, before, since, group }
    }

    /// Waits until the command's first process is dead, whether anybody looked at its end or not.
    fn dies(&self) {
        let stat = format!("/proc/{}/stat", self.group);
        eventually("the command is dead", || {
            fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
        });
    }

    /// The wrapper's end, when there is no server to give anything back to any more.
    fn end(mut self) -> (i32, String) {
        drop(self.server);
        self.run.end()
    }
}

/// Checks that a run ended with 79 and a line that says why.
fn assert_lost((code, said): (i32, String), why: &str) {
    assert_eq!(code, 79, "{said}");
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("distributex: ")).collect();
    let [line] = lines[..] else { panic!("{said}") };
    assert!(line.contains("lost the slot of \"p\"") && line.contains(why), "{said}");
    assert!(line.contains("stopped the command"), "{said}");
}

#[test]
fn without_renewals_the_command_is_asked_to_end_and_killed_in_time() {
    let mut leased = Leased::start(&[], ANSWERS, TTL);

    assert_eq!(leased.run.line(), "term");
    assert!(leased.before.elapsed() >= TERM_AFTER);
    leased.dies();

    assert!(leased.before.elapsed() >= KILL_AFTER);
    assert!(leased.since.elapsed().as_secs_f64() < TTL, "promised");
    assert_lost(leased.end(), "could not be renewed");
}

#[test]
fn it_may_be_killed_at_once() {
    let leased = Leased::start(&["--on-lost", "kill"], ANSWERS, TTL);

    leased.dies();

    assert!(leased.before.elapsed() >= TERM_AFTER);
    assert!(leased.since.elapsed().as_secs_f64() < TTL, "promised");
    assert_lost(leased.end(), "could not be renewed");
}

#[test]
fn when_the_server_says_that_it_is_lost_the_command_is_killed() {
    let leased = Leased::start(&[], ANSWERS, 9.0);

    leased.server.asked_v1("renew").refuse("410 Gone", "lease_lost", "s");

    leased.dies();
    assert!(leased.since.elapsed().as_secs_f64() < 6.5, "before TERM would have come");
    assert_lost(leased.end(), "");
}

#[test]
fn a_warning_stops_nothing() {
    let leased = Leased::start(&["--on-lost", "warn"], "echo $$; sleep 1.2; exit 3", TTL);

    leased.server.asked_v1("renew").refuse("410 Gone", "lease_lost", "s");

    let (mut run, server) = (leased.run, leased.server);
    run.says("the command goes on");
    server.asked_v1("release").refuse("410 Gone", "lease_lost", "s");
    assert_eq!(run.end().0, 3);
}

#[test]
fn a_command_that_ended_by_itself_keeps_its_status() {
    let leased = Leased::start(&[], "echo $$; exit 6", TTL);

    let (mut run, server) = (leased.run, leased.server);
    server.asked_v1("release").done();

    assert_eq!(run.end(), (6, String::new()));
}

#[test]
fn a_wrapper_that_is_killed_takes_its_command_with_it() {
    let mut leased = Leased::start(&["--kill-after", "3"], ANSWERS, 30.0);

    leased.run.child.kill().unwrap();

    assert_eq!([leased.run.line(), leased.run.line()], ["term", ""]);
    assert!(leased.since.elapsed().as_secs_f64() < 15.0, "not at its deadline");
}

#[test]
fn a_wrapper_that_is_stopped_does_not_keep_its_command_alive() {
    for is_group_stopped in [false, true] {
        let leased = Leased::start(&[], "echo $$; exec sleep 60", TTL);

        leased.run.signal(Signal::STOP);
        if is_group_stopped {
            kill_process_group(leased.group, Signal::STOP).unwrap();
        }
        leased.dies();
        assert!(leased.since.elapsed().as_secs_f64() < TTL, "promised");

        leased.run.signal(Signal::CONT);
        assert_lost(leased.end(), "could not be renewed");
    }
}

#[test]
fn a_guard_that_is_killed_is_replaced() {
    let mut leased = Leased::start(&["--kill-after", "3"], ANSWERS, 30.0);
    let guard = guard_of(&leased.run, None);

    kill_process(guard, Signal::KILL).unwrap();
    guard_of(&leased.run, Some(guard));
    leased.run.child.kill().unwrap();

    assert_eq!([leased.run.line(), leased.run.line()], ["term", ""]);
}

/// The guard of a run, once it is there and is not the old one.
fn guard_of(run: &Run, old: Option<Pid>) -> Pid {
    let id = run.child.id();
    let mut found = None;
    eventually("there is a guard", || {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        found = children
            .split_whitespace()
            .filter(|child| {
                let name = fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
                name.starts_with("distributex: guard of p")
            })
            .filter_map(|child| Pid::from_raw(child.parse().ok()?))
            .find(|child| Some(*child) != old);
        found.is_some()
    });
    found.unwrap()
}
