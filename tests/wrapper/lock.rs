//! The local lock: one run at a time on one host.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    ONE_SLOT,
    run::{Run, ended, eventually, folder, wrapper, wrapper_as},
};
use crate::support::Server;

/// Enough slots that only the local lock can keep runs apart.
const MANY_SLOTS: &str = "pools:\n  - name: p\n    maxlocks: 100\n";

fn locking(server: &Server, host: &str, file: &Path) -> Command {
    let mut command = wrapper_as(server.addr, host);
    command.arg("--lock-file").arg(file);
    command
}

#[test]
fn a_second_run_says_so_and_ends() {
    let (server, file) = (Server::start(MANY_SLOTS), folder().join("lock"));
    let mut first =
        Run::start(locking(&server, "web1", &file).arg("echo in; read x; exit 0").stdin(Stdio::piped()));
    assert_eq!(first.line(), "in");

    let (code, output, said) = ended(locking(&server, "web2", &file).arg("echo ran"));
    assert_eq!((code, output.as_str()), (75, ""));
    assert!(said.contains("in progress on this host") && said.lines().count() == 1, "{said}");
    assert_eq!(ended(locking(&server, "web2", &file).args(["-E", "9", "echo ran"])).0, 9);

    drop(first.child.stdin.take());
    assert_eq!(first.end().0, 0);
    assert_eq!(ended(locking(&server, "web2", &file).arg("true")).0, 0);
}

#[test]
fn a_killed_run_leaves_the_lock_free_when_its_command_is_dead() {
    let (server, file) = (Server::start(MANY_SLOTS), folder().join("lock"));
    let script = "trap 'echo term' TERM; echo in; while :; do sleep 0.01; done";
    let mut first = Run::start(locking(&server, "web1", &file).args(["--kill-after", "5", script]));
    assert_eq!(first.line(), "in");

    first.signal(Signal::KILL);
    first.child.wait().unwrap();

    assert_eq!(first.line(), "term", "the guard asked it to end, and it goes on");
    assert_eq!(ended(locking(&server, "web2", &file).arg("echo ran")).0, 75);
    assert_eq!(first.line(), "", "dead");
    eventually("the lock is free", || ended(locking(&server, "web2", &file).arg("true")).0 == 0);
}

#[test]
fn one_run_after_the_other_finds_the_lock_free() {
    let (server, file) = (Server::start(MANY_SLOTS), folder().join("lock"));

    for _ in 0..20 {
        assert_eq!(ended(locking(&server, "web1", &file).arg("true")), (0, String::new(), String::new()));
    }
}

#[test]
fn the_command_inherits_no_descriptor() {
    // Else a daemon that the command leaves would keep the lock.
    let (server, file) = (Server::start(MANY_SLOTS), folder().join("lock"));
    let list = "ls -l /proc/$$/fd";
    let open = |command: &mut Command| {
        let listed = ended(command).1;
        let files = listed.lines().filter_map(|line| Some(line.split_once("-> ")?.1.to_owned()));
        files.filter(|file| ["lock", "socket", "anon_inode"].iter().any(|of| file.contains(of))).collect()
    };

    let (ours, whoever_runs_the_tests): (Vec<_>, Vec<_>) =
        (open(locking(&server, "web1", &file).arg(list)), open(Command::new("/bin/sh").args(["-c", list])));
    assert_eq!(ours, whoever_runs_the_tests);

    let script = "setsid sleep 60 >/dev/null 2>&1 & echo $!";
    let (_, pid, _) = ended(locking(&server, "web1", &file).arg(script));
    assert_eq!(ended(locking(&server, "web2", &file).arg("true")).0, 0);
    kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_chosen_file_keeps_what_it_says() {
    let (server, file) = (Server::start(ONE_SLOT), folder().join("precious"));
    fs::write(&file, "precious").unwrap();

    assert_eq!(ended(locking(&server, "web1", &file).arg("true")).0, 0);

    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let (server, file) = (Server::start(ONE_SLOT), folder().join("missing").join("lock"));

    let (code, output, said) = ended(locking(&server, "web1", &file).arg("echo ran"));

    assert_eq!((code, output.as_str()), (71, ""));
    assert!(said.contains(file.to_str().unwrap()) && said.contains("--lock-file"), "{said}");
}

#[test]
fn the_usual_file_is_in_a_folder_of_our_own() {
    let (server, home) = (Server::start(MANY_SLOTS), folder());
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
    if rustix::process::geteuid().is_root() {
        return; // root's folder is one for the whole machine
    }
    let run = |line: &str| {
        ended(
            wrapper(server.addr).args(["-l", line]).env("XDG_RUNTIME_DIR", &home).env("HOME", "/nonexistent"),
        )
    };

    assert_eq!(run("true").0, 0);
    let own = home.join("distributex");
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(own.join("p.lock").exists());

    fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
    let (code, _, said) = run("echo ran");
    assert_eq!(code, 71);
    assert!(said.contains("somebody else can write there"), "{said}");
}
