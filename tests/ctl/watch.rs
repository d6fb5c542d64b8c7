//! How it stands, shown again and again.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::ctl;
use crate::{fake::Fake, support::Server, wrapper::pty::Terminal};

fn state(held: u64) -> Value {
    json!({"name": "p", "slots": 9, "held": held, "holders": [], "queue": {"length": 0, "waiters": []},
        "store": "s"})
}

fn end(tool: Child) -> Option<i32> {
    kill_process(Pid::from_child(&tool), Signal::TERM).unwrap();
    tool.wait_with_output().unwrap().status.code()
}

#[test]
fn a_program_is_told_what_changed_and_nothing_twice() {
    let server = Fake::start();
    let mut tool =
        ctl(server.addr()).args(["status", "p", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(tool.stdout.take().unwrap());
    let (told, tell) = mpsc::channel();
    thread::spawn(move || {
        for held in [1, 1, 2, 3] {
            let mut asked = server.next();
            while asked.path.starts_with("/v1/events") {
                let no = json!({"kind": "not_found", "message": "no events here"});
                asked.answer_json("404 Not Found", &no);
                asked = server.next();
            }
            asked.answer_json("200 OK", &state(held));
            told.send(held).unwrap();
        }
        server
    });

    for held in 1..=3 {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, format!("{}\n", state(held)));
    }

    assert_eq!(tell.iter().take(4).count(), 4, "asked once more than it changed");
    assert_eq!(end(tool), Some(143));
}

#[test]
fn a_grant_is_seen_soon() {
    let server = Server::start("pools: [{name: p, expire: 300}]");
    let mut tool = ctl(server.addr).args(["status", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(tool.stdout.take().unwrap()).lines();
    let mut read_until = |words: &str| output.find(|line| line.as_ref().unwrap().contains(words)).is_some();
    assert!(read_until("POOL"));

    server.get("/get?host=web7&pool=p");

    assert!(read_until("web7"));
    assert_eq!(end(tool), Some(143));
}

/// Types a `status --watch` of the server, with this terminal.
fn watches(terminal: &mut Terminal, server: &Server, term: &str) {
    let program = env!("CARGO_BIN_EXE_distributexctl");
    terminal.types(&format!("TERM={term} {program} -H {} status --watch\n", server.addr));
}

#[test]
fn a_terminal_that_tells_no_size_shows_the_pools() {
    let server = Server::start("pools: [{name: deploy}, {name: backup}]");
    let mut terminal = Terminal::start();

    watches(&mut terminal, &server, "xterm");

    terminal.sees("\u{1b}[H");
    terminal.sees("deploy");
    terminal.sees("backup");
    terminal.types("\u{3}");
    assert_eq!(terminal.status(), "130");
}

#[test]
fn a_dumb_terminal_gets_lines_without_escapes() {
    let server = Server::start("pools: [{name: deploy}]");
    let mut terminal = Terminal::start();

    for term in ["dumb", ""] {
        watches(&mut terminal, &server, term);
        let before = terminal.sees("POOL");
        let between = terminal.sees("deploy");
        assert!(!(before + &between).contains("\u{1b}[1m"), "no colours, and nothing is drawn over");
        server.get("/get?host=web7&pool=deploy");
        let between = terminal.sees("web7");
        assert!(!between.contains("\u{1b}["), "{between:?}");
        terminal.types("\u{3}");
        assert_eq!(terminal.status(), "130");
        server.get("/release?host=web7&pool=deploy");
    }
}
