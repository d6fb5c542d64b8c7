//! Slots by lease: what is asked, what the command is told, and how it all ends.

use std::{fs, process::Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::run::{Run, ended, folder, wrapper};
use crate::fake::{Fake, Port};

const LOCKED: &str = "423 Locked";

#[test]
fn the_command_is_told_the_token_and_the_lease_goes_back() {
    let server = Fake::start();
    let script = "echo $DX_POOL $DX_HOST $DX_TOKEN $DX_SERVER; env | grep -c 0123";
    let mut run = Run::start(wrapper(server.addr()).args(["--command-note", "nightly", "-t", "20", script]));

    let asked = server.asked_v1("acquire");
    assert_eq!((&asked.body["command"], &asked.body["ttl"]), (&"nightly".into(), &20.0.into()));
    asked.give("s", 20.0);

    assert_eq!(run.line(), format!("p web1 7 {}", server.addr()));
    assert_eq!(run.line(), "0", "the lease id is a secret");
    let released = server.asked_v1("release");
    assert_eq!(released.body["lease"], "0123");
    released.done();
    assert_eq!(run.end(), (1, String::new()));
}

#[test]
fn the_release_reports_how_the_command_ended() {
    for (command, told) in [("exit 4", 4), ("true", 0), ("kill -KILL $$", 137)] {
        let server = Fake::start();
        let mut run = Run::start(wrapper(server.addr()).arg(command));
        server.asked_v1("acquire").give("s", 30.0);

        let released = server.asked_v1("release");

        assert_eq!(released.body["exit_status"], told, "{command}");
        released.done();
        assert_eq!(run.end(), (told, String::new()));
    }
}

#[test]
fn a_paused_pool_is_waited_for() {
    let no = json!({"kind": "pool_paused", "message": "p is paused by ann: kernel update", "position": 1, "queue_length": 1,
        "holders": [], "store": "s", "paused": {"author": "ann", "reason": "kernel update", "since": null}});
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).args(["-v", "true"]));
    server.asked_v1("acquire").answer_json(LOCKED, &no);
    run.says("1st in the queue for \"p\", paused by ann: kernel update");
    server.asked_v1("acquire").give("s", 30.0);
    server.asked_v1("renew").give("s", 30.0);
    server.asked_v1("release").done();
    assert_eq!(run.end().0, 0);

    let mut run = Run::start(wrapper(server.addr()).args(["-n", "true"]));
    server.asked_v1("acquire").answer_json(LOCKED, &no);
    let (code, said) = run.end();
    assert!(
        code == 75 && said.contains("p is paused by ann: kernel update (use -w to wait for one"),
        "{said}"
    );
}

#[test]
fn without_a_command_there_is_no_exit_status() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).args(["--", "/nonexistent/command"]));
    server.asked_v1("acquire").give("s", 30.0);
    let released = server.asked_v1("release");
    assert_eq!(released.body["exit_status"], 127, "as a shell says it");
    released.done();
    assert_eq!(run.end().0, 127);

    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).args(["-w", "20", "true"]));
    let asked = server.asked_v1("acquire");
    run.signal(Signal::TERM);
    drop(asked);
    let left = server.asked_v1("release");
    assert_eq!(left.body.get("exit_status"), None, "{}", left.body);
    left.done();
    assert_eq!(run.end().0, 143);
}

#[test]
fn what_the_command_line_says_is_not_told_to_others() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("true --password=hush"));

    let asked = server.asked_v1("acquire");
    assert!(asked.body.get("command").is_none(), "{}", asked.body);
    asked.give("s", 30.0);

    server.asked_v1("release").done();
    assert_eq!(run.end(), (0, String::new()));
}

#[test]
fn the_token_of_an_outer_run_is_not_passed_on() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo \"[$DX_TOKEN]\"").env("DX_TOKEN", "5"));

    server.asked_to("wait").answer("YES");

    assert_eq!(run.line(), "[]");
    server.asked_to("release").answer("OK");
    assert_eq!(run.end().0, 0);
}

#[test]
fn a_loss_found_out_at_the_end_is_a_warning() {
    let (server, folder) = (Fake::start(), folder());
    let file = folder.join("status");
    let mut run = Run::start(wrapper(server.addr()).arg("--status-file").arg(&file).arg("exit 4"));
    server.asked_v1("acquire").give("s", 30.0);
    let ended = json!({"how": "expired", "author": null, "reason": null, "at": "2026-11-27T12:00:00Z"});

    server.asked_v1("release").answer_json(
        "410 Gone",
        &json!({"kind": "lease_lost", "message": "this lease expired 2 s ago", "store": "s", "ended": ended}),
    );

    let (code, said) = run.end();
    assert_eq!(code, 4, "the command's own");
    assert!(said.contains("lost the slot of \"p\": this lease expired 2 s ago"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let told: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!((&told["lost"], &told["result"]), (&true.into(), &"exited".into()));
    assert_eq!((&told["ended"]["how"], &told["status"]), (&"expired".into(), &4.into()));
}

#[test]
fn the_place_is_shown_to_who_wants_it_and_only_when_it_changes() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).args(["-v", "true"]));
    run.says("requesting");
    server.asked_v1("acquire").refuse(LOCKED, "pool_full", "s");
    run.says("2nd in the queue for \"p\"; web7 has had it for");
    server.asked_v1("acquire").refuse(LOCKED, "wait_timeout", "s");
    server.asked_v1("acquire").refuse(LOCKED, "wait_timeout", "s");

    server.asked_v1("acquire").give("s", 30.0);
    server.asked_v1("renew").give("s", 30.0);
    server.asked_v1("release").done();

    let said = run.end().1;
    assert!(!said.contains("in the queue"), "{said}");
}

#[test]
fn who_waits_in_cron_is_silent() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("true"));

    server.asked_v1("acquire").refuse(LOCKED, "pool_full", "s");
    server.asked_v1("acquire").give("s", 30.0);
    server.asked_v1("renew").give("s", 30.0);
    server.asked_v1("release").done();

    assert_eq!(run.end(), (0, String::new()));
}

#[test]
fn who_is_told_to_end_leaves_the_line_by_name() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));
    server.asked_v1("acquire").refuse(LOCKED, "pool_full", "s");
    let parked = server.asked_v1("acquire");

    run.signal(Signal::TERM);

    let left = server.asked_v1("release");
    assert_eq!((&left.body["host"], &left.body["owner"]), (&"web1".into(), &parked.body["owner"]));
    left.refuse("410 Gone", "lease_lost", "s");
    assert_eq!((run.end(), run.line()), ((143, String::new()), String::new()));
}

#[test]
fn every_run_is_an_asker_of_its_own() {
    let server = Fake::start();
    let owner = || {
        let mut run = Run::start(wrapper(server.addr()).args(["-n", "true"]));
        let asked = server.asked_v1("acquire");
        let owner = asked.body["owner"].clone();
        asked.refuse(LOCKED, "pool_full", "s");
        assert_eq!(run.end().0, 75);
        owner
    };

    assert_ne!(owner(), owner());
}

#[test]
fn refusals_have_statuses() {
    for (status, kind, code) in [
        ("400 Bad Request", "bad_request", 77),
        ("401 Unauthorized", "unauthorized", 77),
        ("403 Forbidden", "host_not_allowed", 77),
        ("404 Not Found", "no_such_pool", 77),
        (LOCKED, "pool_full", 75),
        (LOCKED, "pool_paused", 75),
        ("429 Too Many Requests", "queue_full", 75),
        ("503 Service Unavailable", "draining", 75),
        ("500 Internal Server Error", "internal", 69),
    ] {
        let server = Fake::start();
        let mut run = Run::start(wrapper(server.addr()).args(["-n", "echo ran"]));

        server.asked_v1("acquire").refuse(status, kind, "s");

        let (ended, said) = run.end();
        assert_eq!((ended, run.line()), (code, String::new()), "{kind}");
        assert!(server.is_left_alone(), "{kind}: a try leaves nothing behind");
        assert!(said.contains("every slot") && said.lines().count() == 1, "{kind}: {said}");
    }
}

#[test]
fn a_lease_too_short_to_stop_a_command_in_is_refused() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));

    server.asked_v1("acquire").give("s", 1.5);
    server.asked_v1("release").done();

    let (code, said) = run.end();
    assert_eq!((code, run.line()), (77, String::new()));
    assert!(said.contains("raise the pool's expire"), "{said}");
}

#[test]
fn another_store_is_69() {
    let port = Port::take(); // stays ours when nobody listens there any more
    let (first, second) = (Fake::start_at(port.addr()), Fake::start());
    let list = format!("{},{}", first.addr(), second.addr());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_distributex"));
    let mut run = Run::start(command.args(["-H", &list, "-r", "p", "echo ran"]).stdin(Stdio::null()));
    first.asked_v1("acquire").refuse(LOCKED, "pool_full", "one");
    drop(first);

    second.asked_v1("acquire").give("other", 30.0);
    second.asked_v1("release").done();
    drop(second);

    let (code, said) = run.end();
    assert_eq!((code, run.line()), (69, String::new()));
    assert!(said.contains("another store") && said.lines().count() == 1, "{said}");
}

#[test]
fn the_next_server_is_asked_when_one_is_not_there() {
    let (port, server) = (Port::take(), Fake::start());
    let nowhere = port.addr();
    let list = format!("{nowhere},{}", server.addr());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_distributex"));
    let mut run = Run::start(command.args(["-H", &list, "-r", "p", "-n", "echo $DX_SERVER"]));

    server.asked_v1("acquire").give("s", 30.0);

    assert_eq!(run.line(), server.addr().to_string());
    server.asked_v1("release").done();
    assert_eq!(run.end(), (0, String::new()));
    let nobody = format!("{nowhere},{nowhere}");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_distributex"));
    assert_eq!(ended(command.args(["-H", &nobody, "-r", "p", "-n", "true"])).0, 69);
}
