//! Slots that are lost while the command runs: it is dead before somebody else can have its slot.

use std::{fs, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::run::{Run, eventually, folder, wrapper};
use crate::fake::Fake;

/// How long the lease lives: TERM comes after 1.5 seconds, KILL after 2.
const TTL: f64 = 3.0;
const TERM_AFTER: Duration = Duration::from_millis(1500);
const KILL_AFTER: Duration = Duration::from_secs(2);
/// The same for a lease that is renewed after four seconds, and whose deadline is far away then.
const LONG_TTL: f64 = 12.0;
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
    assert!(line.contains("the command"), "{said}");
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

/// How a server answers whoever held a lease that an operator ended.
fn force_released() -> Value {
    json!({
        "kind": "lease_lost", "message": "this lease was force-released by ann: \"trial\"", "store": "s",
        "ended": {"how": "force_released", "author": "ann", "reason": "trial", "at": "2026-11-27T12:00:00.500Z"},
    })
}

#[test]
fn a_loss_that_the_server_reports_is_term_and_kill_later() {
    let mut leased = Leased::start(&["--kill-after", "1"], ANSWERS, LONG_TTL);

    leased.server.asked_v1("renew").answer_json("410 Gone", &force_released());
    leased.run.says("force-released by ann: \"trial\"; stopping the command");

    assert_eq!([leased.run.line(), leased.run.line()], ["term", ""], "asked once, and then dead");
    assert_eq!(leased.end().0, 79);
}

#[test]
fn a_command_that_answers_term_is_not_killed_for_a_loss() {
    let script = "trap 'echo bye; exit 0' TERM; echo $$; while :; do sleep 0.01; done";
    let folder = folder();
    let file = folder.join("status");
    let options = ["--kill-after", "10", "--status-file", file.to_str().unwrap()];
    let mut leased = Leased::start(&options, script, LONG_TTL);

    leased.server.asked_v1("renew").answer_json("410 Gone", &force_released());

    assert_eq!(leased.run.line(), "bye");
    let (code, said) = leased.end();
    let told: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!((code, &told["result"], &told["lost"]), (79, &"lost".into(), &true.into()), "{said}");
    assert_eq!(told["ended"], force_released()["ended"]);
}

#[test]
fn when_the_wrapper_dies_after_term_the_guard_kills() {
    let mut leased = Leased::start(&["--kill-after", "2"], ANSWERS, LONG_TTL);
    leased.server.asked_v1("renew").answer_json("410 Gone", &force_released());
    assert_eq!(leased.run.line(), "term");
    leased.run.says("stopping the command"); // the guard knows

    leased.run.child.kill().unwrap();

    assert_eq!(leased.run.line(), "", "dead, and not asked twice");
}

#[test]
fn on_lost_kill_asks_nobody() {
    let mut leased = Leased::start(&["--on-lost", "kill"], ANSWERS, LONG_TTL);

    leased.server.asked_v1("renew").answer_json("410 Gone", &force_released());

    assert_eq!(leased.run.line(), "");
    assert_lost(leased.end(), "force-released by ann");
}

/// A lease that an operator wants back, as a renewal's answer.
fn revoked(ttl: f64) -> Value {
    json!({
        "lease": "0123", "token": 7, "pool": "p", "host": "web1", "ttl": 30, "expires_in": ttl,
        "expires_at": null, "waited": 0, "store": "s", "revoked": {"author": "ann", "reason": "update"},
    })
}

#[test]
fn a_revoked_lease_is_released_when_the_command_is_dead() {
    let mut leased = Leased::start(&["--kill-after", "1"], ANSWERS, LONG_TTL);

    leased.server.asked_v1("renew").answer_json("200 OK", &revoked(25.0));
    leased.run.says("the slot of \"p\" was revoked by ann: \"update\"; stopping the command");
    assert_eq!(leased.run.line(), "term");
    let released = leased.server.asked_v1("release"); // it is not renewed before the grace is over

    leased.dies();
    assert_eq!(leased.run.line(), "", "nobody writes any more");
    released.done();
    assert_eq!(leased.run.end().0, 79);
}

#[test]
fn a_revoke_may_be_a_warning_only() {
    let leased = Leased::start(&["--on-lost", "warn"], "echo $$; sleep 1.2; exit 3", TTL);

    leased.server.asked_v1("renew").answer_json("200 OK", &revoked(30.0));

    let (mut run, server) = (leased.run, leased.server);
    run.says("revoked by ann: \"update\"; the command continues");
    server.asked_v1("release").done();
    assert_eq!(run.end(), (3, String::new()));
}

#[test]
fn a_guard_that_is_stopped_does_not_keep_the_command_alive() {
    let leased = Leased::start(&[], ANSWERS, TTL);
    kill_process(guard_of(&leased.run, None), Signal::STOP).unwrap();

    leased.dies();

    assert!(leased.since.elapsed().as_secs_f64() < TTL, "the margin is kept, too");
    assert_lost(leased.end(), "could not be renewed");
}

#[test]
fn under_a_lease_that_is_nearly_over_nothing_starts() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));
    let mut lease = revoked(0.5); // as when the wrapper was kept from its work since it asked
    lease["revoked"] = Value::Null;
    server.asked_v1("acquire").answer_json("201 Created", &lease);
    drop(server);

    let (code, said) = run.end();

    assert_eq!((code, run.line()), (79, String::new()));
    assert!(said.contains("lost the slot of \"p\"") && said.contains("was not started"), "{said}");
}

#[test]
fn a_warning_stops_nothing() {
    let leased = Leased::start(&["--on-lost", "warn"], "echo $$; sleep 1.2; exit 3", TTL);

    leased.server.asked_v1("renew").refuse("410 Gone", "lease_lost", "s");

    let (mut run, server) = (leased.run, leased.server);
    run.says("the command continues");
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
                name.starts_with("dx-guard of p")
            })
            .filter_map(|child| Pid::from_raw(child.parse().ok()?))
            .find(|child| Some(*child) != old);
        found.is_some()
    });
    found.unwrap()
}
