//! Slots for scripts: taken, renewed and given back by several runs of the tool.

use std::{
    fs::File,
    io::{self, Write as _},
    process::{Command, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;

use super::{ONE_SLOT, acquired, ctl, is_held, state};
use crate::{
    fake::Fake,
    support::{Server, eventually},
    wrapper::run::{Run, ended, folder},
};

/// Runs a command to its end with this on its standard input: exit status and what it said.
fn told(command: &mut Command, input: &str) -> (i32, String) {
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_slot_is_held_from_acquire_to_release() {
    let server = Server::start(ONE_SLOT);

    let id = acquired(&server, "web7");
    assert_eq!(id.len(), 32);
    assert_eq!(state(&server)["holders"][0]["host"], "web7");
    assert_eq!(ended(ctl(server.addr).args(["renew", "p", &id])), (0, String::new(), String::new()));
    assert_eq!(ended(ctl(server.addr).args(["release", "p", &id])), (0, String::new(), String::new()));

    assert!(!is_held(&server));
}

#[test]
fn the_id_can_come_from_the_standard_input() {
    let server = Server::start(ONE_SLOT);
    let id = acquired(&server, "web7");

    assert_eq!(told(ctl(server.addr).args(["renew", "p", "-"]), &format!("{id}\n")), (0, String::new()));
    assert_eq!(told(ctl(server.addr).args(["release", "p", "-"]), &id), (0, String::new()));
    assert!(!is_held(&server));
    let (code, said) = told(ctl(server.addr).args(["release", "p", "-"]), "\n");
    assert!(code == 64 && said.contains("standard input"), "{said}");
}

#[test]
fn the_lease_is_json_for_who_wants_it() {
    let server = Server::start(ONE_SLOT);
    let lease = |args: &[&str]| -> Value {
        let (code, json, _) = ended(ctl(server.addr).args(args).arg("--json"));
        assert_eq!(code, 0);
        serde_json::from_str(&json).unwrap()
    };

    let acquired = lease(&["acquire", "p", "--host", "web7", "--ttl", "20"]);
    let id = acquired["lease"].as_str().unwrap();
    let renewed = lease(&["renew", "p", id, "--ttl", "40"]);

    assert_eq!((&acquired["host"], &acquired["ttl"]), (&"web7".into(), &20.into()));
    assert_eq!((&renewed["token"], &renewed["ttl"]), (&acquired["token"], &40.into()));
    assert!(acquired["expires_at"].is_string() && acquired["store"] == state(&server)["store"]);
    assert_eq!(lease(&["renew", "p", id])["ttl"], 40, "as it lived before");
}

#[test]
fn nothing_renews_a_lease_by_itself() {
    let server = Server::start(ONE_SLOT);
    let (_, id, _) = ended(ctl(server.addr).args(["acquire", "p", "--host", "web7", "--ttl", "0.5"]));

    eventually(|| !is_held(&server));

    let (code, _, said) = ended(ctl(server.addr).args(["renew", "p", id.trim_end()]));
    assert!(code == 79 && said.contains("this lease expired"), "{said}");
    let (code, _, said) = ended(ctl(server.addr).args(["release", "p", id.trim_end()]));
    assert!(code == 0 && said.contains("was no longer held"), "{said}");
}

#[test]
fn without_an_end_a_lease_lives_as_long_as_its_pool_allows() {
    let server = Server::start(ONE_SLOT);

    acquired(&server, "web7");

    let left = state(&server)["holders"][0]["expires_in"].as_f64().unwrap();
    assert!((270.0..=300.0).contains(&left), "{left}");
}

#[test]
fn who_waits_gets_the_slot_when_it_is_free() {
    let server = Server::start(ONE_SLOT);
    let first = acquired(&server, "web7");
    let mut run = Run::start(ctl(server.addr).args(["-v", "acquire", "p", "-w", "60", "--host", "web8"]));
    run.says("1st in the queue for \"p\"; web7 has had it");

    ended(ctl(server.addr).args(["release", "p", &first]));

    assert_eq!((run.line().len(), run.end().0), (32, 0));
    assert_eq!(state(&server)["holders"][0]["host"], "web8");
}

#[test]
fn who_is_told_to_end_leaves_the_line() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let server = Server::start(ONE_SLOT);
        acquired(&server, "web7");
        let mut run = Run::start(ctl(server.addr).args(["-v", "acquire", "p", "--host", "web8"]));
        run.says("1st in the queue");

        run.signal(signal);

        assert_eq!((run.end().0, run.line()), (status, String::new()));
        assert_eq!(state(&server)["queue"]["length"], 0);
    }
}

#[test]
fn a_lease_that_came_too_late_goes_back() {
    let server = Fake::start();
    let mut run = Run::start(ctl(server.addr()).args(["acquire", "p", "--host", "web8"]));
    let asked = server.asked_v1("acquire");

    run.signal(Signal::TERM);

    let left = server.asked_v1("release");
    assert_eq!((&left.body["host"], &left.body["owner"]), (&"web8".into(), &asked.body["owner"]));
    left.done();
    assert_eq!((run.end().0, run.line()), (143, String::new()));
}

#[test]
fn a_lease_that_nobody_takes_goes_back() {
    let server = Server::start(ONE_SLOT);
    let (reader, nobody) = io::pipe().unwrap();
    drop(reader);
    let full = File::options().write(true).open("/dev/full").unwrap();

    for output in [Stdio::from(nobody), Stdio::from(full)] {
        let mut command = ctl(server.addr);
        let child = command.args(["acquire", "p", "--host", "web7"]).stdout(output).stderr(Stdio::piped());
        let output = child.spawn().unwrap().wait_with_output().unwrap();

        assert_eq!(output.status.code(), Some(71));
        assert!(String::from_utf8(output.stderr).unwrap().contains("standard output"));
        assert!(!is_held(&server));
    }
}

#[test]
fn without_a_standard_output_no_slot_is_taken() {
    let server = Server::start(ONE_SLOT);
    let closed = |more: &[&str]| {
        let mut shell = Command::new("bash");
        shell.args(["-c", "exec \"$0\" \"$@\" >&-", env!("CARGO_BIN_EXE_distributexctl"), "-H"]);
        ended(shell.arg(server.addr.to_string()).args(["acquire", "p"]).args(more))
    };

    let (code, _, said) = closed(&[]);

    assert!(code == 71 && said.contains("standard output is closed"), "{said}");
    assert!(!is_held(&server));
    let file = folder().join("lease");
    let (code, _, said) = closed(&["--lease-file", file.to_str().unwrap()]);
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(is_held(&server));
}
