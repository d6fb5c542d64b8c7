//! `distributexctl events` and `history`.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::ctl;
use crate::{fake::Fake, wrapper::run::ended};

const GRANTED: &str = "id: s-1\nevent: granted\ndata: {\"pool\":\"p\",\"time\":\"2026-11-23T11:58:00Z\",\
    \"host\":\"web\\u001b7\",\"token\":7,\"waited\":65,\"command\":null}\n\n";
const EXPIRED: &str = "id: s-2\nevent: expired\ndata: {\"pool\":\"p\",\"time\":\"2026-11-23T11:59:00Z\",\
    \"host\":\"web7\",\"token\":7,\"held\":60}\n\n";

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn lines(child: &mut Child, count: usize) -> Vec<String> {
    let mut output = BufReader::new(child.stdout.as_mut().unwrap());
    let line = |_| {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line
    };
    (0..count).map(line).collect()
}

#[test]
fn events_are_lines_and_continue_after_a_disconnect() {
    let server = Fake::start();
    let mut tool = start(ctl(server.addr()).args(["events", "p", "-v"]));

    server.looked_at("/v1/events?pool=p").tell(GRANTED);
    let again = server.next();
    assert_eq!(again.header("last-event-id"), Some("s-1"));
    again.tell(EXPIRED);

    assert_eq!(
        lines(&mut tool, 2),
        [
            "2026-11-23 11:58:00 UTC  p  web\u{fffd}7 got a slot after 65 s; token 7\n",
            "2026-11-23 11:59:00 UTC  p  the lease of web7 expired after 60 s; token 7\n",
        ]
    );
    kill_process(Pid::from_child(&tool), Signal::INT).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(said.contains("closed the connection") && said.contains("retrying in"), "{said}");
}

#[test]
fn json_is_one_object_per_line() {
    let server = Fake::start();
    let mut tool = start(ctl(server.addr()).args(["events", "--json", "--color", "always"]));
    server.looked_at("/v1/events").tell(EXPIRED);

    let told: Value = serde_json::from_str(&lines(&mut tool, 1)[0]).unwrap();

    assert_eq!(
        told,
        json!({"event": "expired", "id": "s-2", "pool": "p", "time": "2026-11-23T11:59:00Z", "host": "web7",
            "token": 7, "held": 60})
    );
    tool.kill().unwrap();
    tool.wait().unwrap();
}

#[test]
fn colors_are_used_if_wanted() {
    let server = Fake::start();
    let mut tool = start(ctl(server.addr()).args(["events", "--color", "always"]));
    server.looked_at("/v1/events").tell(EXPIRED);

    assert!(lines(&mut tool, 1)[0].starts_with("\u{1b}[31m2026"));

    tool.kill().unwrap();
    tool.wait().unwrap();
}

#[test]
fn it_ends_when_standard_output_is_closed() {
    let server = Fake::start();
    let mut tool = start(ctl(server.addr()).arg("events"));
    let _parked = server.looked_at("/v1/events");

    drop(tool.stdout.take());

    let mut said = String::new();
    tool.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((tool.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_server_without_events_says_so() {
    let server = Fake::start();
    let tool = start(ctl(server.addr()).arg("events"));
    let no = json!({"kind": "not_found", "message": "this server tells no events"});
    server.looked_at("/v1/events").answer_json("404 Not Found", &no);

    let output = tool.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(77));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tells no events"));
}

#[test]
fn a_history_is_a_table() {
    let server = Fake::start();
    let run = json!({"host": "web7", "token": 7, "command": "puppet\u{1b}", "waited": 1.5, "held": 65,
        "since": "2026-11-20T11:58:00Z", "ended_at": "2026-11-20T11:59:05Z", "how": "force_released", "exit_status": null,
        "author": "ann", "reason": "hangs"});
    let told = json!({"pool": "p", "runs": [run], "store": "s"});
    let ask = |args: &[&str]| {
        let tool = start(ctl(server.addr()).args(["history", "p"]).args(args));
        server.looked_at("/v1/pools/p/history").answer_json("200 OK", &told);
        let output = tool.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };

    let table = ask(&[]);
    let row: Vec<_> = table.lines().nth(1).unwrap().split("  ").filter(|cell| !cell.is_empty()).collect();
    let row: Vec<_> = row.into_iter().map(str::trim).collect();
    assert_eq!(
        row,
        [
            "2026-11-20 11:58:00 UTC",
            "web7",
            "puppet\u{fffd}",
            "1 s",
            "65 s",
            "force-released by ann: hangs",
            "7"
        ]
    );
    assert_eq!(ask(&["--json"]), format!("{told}\n"));
    assert!(ask(&["--color", "always"]).contains("\u{1b}[31mforce-released by ann: hangs\u{1b}[0m"));
}

#[test]
fn why_tells_the_pause_and_what_the_runs_before_say() {
    let server = Fake::start();
    let since = "2026-11-20T11:58:00Z";
    let holder = json!({"host": "web7", "token": 7, "since": since, "expires_in": 20, "command": null});
    let state = json!({"name": "p", "slots": 1, "held": 1, "holders": [holder], "store": "s",
        "queue": {"length": 0, "waiters": []}, "paused": {"author": "ann", "reason": "update", "since": since}});
    let run = json!({"host": "web7", "token": 6, "command": null, "waited": 0, "held": 65, "since": since,
        "ended_at": since, "how": "released", "exit_status": 0, "author": null, "reason": null});
    let tool = start(ctl(server.addr()).args(["why", "p"]));
    server.looked_at("/v1/pools/p").answer_json("200 OK", &state);
    let told = json!({"pool": "p", "runs": [run, run, run], "store": "s"});
    server.looked_at("/v1/pools/p/history").answer_json("200 OK", &told);

    let told = String::from_utf8(tool.wait_with_output().unwrap().stdout).unwrap();

    assert!(told.starts_with("p is paused by ann: update. It has been paused for "), "{told}");
    assert!(told.contains("\nThe last 3 runs took 65 s each."), "{told}");
    assert!(told.contains("has already taken longer than all of these"), "{told}");
    assert!(told.ends_with("until the pool is resumed: distributexctl resume p.\n"), "{told}");
}

#[test]
fn acquiring_from_a_paused_pool_gives_the_reason() {
    let server = Fake::start();
    let tool = start(ctl(server.addr()).args(["acquire", "p", "-n", "--host", "web9"]));
    let no = json!({"kind": "pool_paused", "message": "p is paused by ann: kernel update", "position": null,
        "queue_length": 0, "holders": [], "store": "s", "paused": {"author": "ann", "reason": "kernel update"}});
    server.asked_v1("acquire").answer_json("423 Locked", &no);

    let output = tool.wait_with_output().unwrap();

    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(75));
    assert!(said.contains("p is paused by ann: kernel update (use -w to wait"), "{said}");
    assert_eq!(ended(Command::new(env!("CARGO_BIN_EXE_distributexctl")).args(["events", ""])).0, 64);
}
