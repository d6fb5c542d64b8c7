//! Waiting for a slot: in line, and leaving it again.

use std::{fs, thread, time::Duration};

use rustix::process::Signal;
use tokio::time::Instant;

use super::{
    ONE_SLOT,
    run::{Run, ended, eventually, wrapper, wrapper_as},
};
use crate::{fake::Fake, support::Server};

#[test]
fn a_waiter_runs_when_the_slot_is_free() {
    let server = Server::start(ONE_SLOT);
    server.get("/get?host=other&pool=p");
    let mut run = Run::start(wrapper(server.addr).args(["-v", "-w", "60", "echo $DX_WAITED"]));
    run.says("requesting");
    let (asked, moment) = (Instant::now(), Duration::from_millis(20));
    eventually("a moment passes", || asked.elapsed() > moment);

    server.get("/release?host=other&pool=p");

    assert!(run.line().parse::<f64>().unwrap() >= moment.as_secs_f64());
    assert_eq!(run.end().0, 0);
    assert_eq!(server.get("/get?host=other&pool=p").1, "YES", "the slot came back");
}

#[test]
fn who_is_told_to_end_leaves_the_line_to_the_next() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)]
    {
        let server = Server::start(ONE_SLOT);
        server.get("/get?host=other&pool=p");
        let mut leaver = Run::start(wrapper_as(server.addr, "web1").args(["-v", "echo ran"]));
        leaver.says("requesting");
        let mut next = Run::start(wrapper_as(server.addr, "web2").args(["-v", "echo ran"]));
        next.says("requesting");

        leaver.signal(signal);

        assert_eq!((leaver.end().0, leaver.line()), (status, String::new()));
        server.get("/release?host=other&pool=p");
        assert_eq!((next.line(), next.end().0), ("ran".to_owned(), 0));
    }
}

#[test]
fn a_slot_that_was_on_its_way_is_given_back() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));
    let mut asked = server.asked_to("wait");

    run.signal(Signal::TERM);
    asked.wait_for_half_close();
    asked.answer("YES");

    server.asked_to("release").answer("OK");
    assert_eq!((run.end().0, run.line()), (143, String::new()));
}

#[test]
fn a_wrapper_that_was_stopped_reads_the_answer_that_came() {
    let server = Fake::start();
    let started = Instant::now();
    let mut run = Run::start(wrapper(server.addr()).args(["-w", "1", "echo ran"]));
    server.asked_v1("acquire").refuse("423 Locked", "pool_full", "s");
    let parked = server.asked_v1("acquire");
    run.signal(Signal::STOP);
    let stat = format!("/proc/{}/stat", run.child.id());
    eventually("it stands still", || fs::read_to_string(&stat).unwrap().contains(") T "));

    let answering = thread::spawn(move || parked.refuse("423 Locked", "wait_timeout", "s"));
    eventually("all the time it had is over", || started.elapsed() > Duration::from_secs(4));
    run.signal(Signal::CONT);

    let (code, said) = run.end();
    assert!(code == 75 && said.contains("every slot of \"p\" is held"), "{code} {said}");
    answering.join().unwrap();
}

#[test]
fn without_a_slot_nothing_is_given_back() {
    // Another run of this host may hold one: a release would take it from under that run.
    for options in [&[] as &[&str], &["-w", "1"]] {
        let server = Fake::start();
        let mut run = Run::start(wrapper(server.addr()).args(options).arg("echo ran"));
        let mut asked = server.asked_to("wait");

        if options.is_empty() {
            run.signal(Signal::INT);
        }
        asked.wait_for_half_close();
        drop(asked);

        assert_eq!(run.end().0, if options.is_empty() { 130 } else { 75 });
        assert!(server.is_left_alone());
    }
}

#[test]
fn a_frozen_server_does_not_keep_who_wants_to_leave() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));
    let asked = server.asked_to("wait");

    run.signal(Signal::INT);

    assert_eq!(run.end().0, 130);
    drop(asked);
}

#[test]
fn other_signals_do_not_end_the_waiting() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));
    let asked = server.asked_to("wait");

    [Signal::USR1, Signal::USR2, Signal::WINCH].into_iter().for_each(|signal| run.signal(signal));
    asked.answer("YES");

    assert_eq!(run.line(), "ran");
    server.asked_to("release").answer("OK");
    assert_eq!(run.end().0, 0);
}

#[test]
fn trying_once_is_one_question() {
    for (status, word, code) in [
        ("503 Service Unavailable", "NO", 75),
        ("502 Bad Gateway", "<html>", 69),
        ("200 OK", "YES!", 69),
        ("302 Found", "YES", 69),
    ] {
        let server = Fake::start();
        let mut run = Run::start(wrapper(server.addr()).args(["-n", "echo ran"]));

        server.asked_to("get").answer_status(status, word);

        assert_eq!((run.line(), run.end().0), (String::new(), code), "{status} {word}");
        assert!(server.is_left_alone());
    }
}

#[test]
fn two_runs_of_two_hosts_do_not_overlap() {
    let server = Server::start(ONE_SLOT);
    let log = super::run::folder().join("log");
    let line = format!("echo + >> {0}; echo - >> {0}", log.display());

    std::thread::scope(|scope| {
        for number in 0..8 {
            let (server, line) = (&server, &line);
            scope.spawn(move || {
                assert_eq!(ended(wrapper_as(server.addr, &format!("web{number}")).arg(line)).0, 0);
            });
        }
    });

    assert_eq!(std::fs::read_to_string(log).unwrap(), "+\n-\n".repeat(8));
}
