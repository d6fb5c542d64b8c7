//! Admin actions: requests, results and refusals, against a scripted server.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::ctl;
use crate::{
    fake::{Asked, Fake},
    support::file_with,
    wrapper::run::ended,
};

const STATE: &str = r#"{"name": "p", "slots": 2, "held": 1, "holders": [], "store": "s",
    "queue": {"length": 3, "waiters": []}, "paused": {"author": "ann", "reason": "x", "since": "2026-11-23T12:00:00Z"}}"#;

/// Runs the tool as ann, with a key.
fn run(server: &Fake, args: &[&str]) -> Child {
    start(ctl(server.addr()).args(args).env("DISTRIBUTEX_KEY", "5f0c"))
}

fn start(command: &mut Command) -> Child {
    let command = command.env("SUDO_USER", "ann").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// How it ended: the status, what it printed, what it said.
fn end(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The lever that was pulled.
fn action_of(server: &Fake, action: &str) -> Asked {
    server.looked_at(&format!("/v1/admin/{action}"))
}

#[test]
fn a_revoke_says_when_the_slot_is_free() {
    let server = Fake::start();
    let revoked = |notified| {
        json!({"pool": "p", "host": "web7", "token": 7, "until": "2026-11-23T12:00:29.2Z", "notified": notified,
            "store": "s"})
    };

    let tool = run(&server, &["revoke", "p", "7", "--within", "30", "--reason", "hotfix"]);
    let asked = action_of(&server, "pools/p/revoke");
    assert_eq!(asked.body, json!({"token": 7, "within": 30.0, "reason": "hotfix", "author": "ann"}));
    asked.answer_json("200 OK", &revoked(true));
    let (code, told, said) = end(tool);
    assert_eq!((code, said.as_str()), (0, ""));
    let free = "the slot of p is free by 2026-11-23 12:00:30 UTC at the latest";
    assert_eq!(told, format!("web7 (token 7) was asked to stop; {free}\n"));

    let tool = run(&server, &["revoke", "p", "7", "--reason", "hotfix"]);
    let asked = action_of(&server, "pools/p/revoke");
    assert_eq!(asked.body, json!({"token": 7, "reason": "hotfix", "author": "ann"}));
    asked.answer_json("200 OK", &revoked(false));
    let (_, told, _) = end(tool);
    assert!(
        told.starts_with("web7 (token 7) does not renew its lease, so it cannot be notified; "),
        "{told}"
    );
}

#[test]
fn a_force_release_says_how_long_to_beware() {
    let server = Fake::start();
    let tool = run(&server, &["force-release", "p", "7", "--reason", "no power"]);

    let asked = action_of(&server, "pools/p/force-release");
    assert_eq!(asked.header("authorization"), Some("Bearer 5f0c"));
    assert_eq!(asked.body, json!({"token": 7, "reason": "no power", "author": "ann"}));
    let forced =
        json!({"pool": "p", "host": "web\u{1b}7", "token": 7, "held": 65, "may_run_for": 22, "store": "s"});
    asked.answer_json("200 OK", &forced);

    let (code, told, said) = end(tool);
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(told.contains("held by web\u{fffd}7 (token 7, held for 65 s)"), "{told}");
    assert!(told.contains("may keep running for up to 22 s"), "{told}");
}

#[test]
fn a_host_is_enough_if_it_holds_only_one_slot() {
    let holder = |host: &str, token: u64| json!({"host": host, "token": token});
    let state = json!({"name": "p", "slots": 3, "held": 3, "store": "s", "queue": {"length": 0, "waiters": []},
        "holders": [holder("web1", 7), holder("web2", 8), holder("web2", 9)]});
    let force = |host: &str| {
        let server = Fake::start();
        let tool = run(&server, &["force-release", "p", "--host", host, "--reason", "x", "--json"]);
        server.looked_at("/v1/pools/p").answer_json("200 OK", &state);
        (server, tool)
    };

    let (server, tool) = force("web1");
    let asked = action_of(&server, "pools/p/force-release");
    assert_eq!(asked.body["token"], 7);
    let forced =
        json!({"pool": "p", "host": "web1", "token": 7, "held": 5, "may_run_for": null, "store": "s"});
    asked.answer_json("200 OK", &forced);
    let (code, told, _) = end(tool);
    assert_eq!((code, told), (0, format!("{forced}\n")));

    let (code, _, said) = end(force("web2").1);
    assert!(code == 64 && said.contains("8, 9"), "{said}");
    let (code, _, said) = end(force("web3").1);
    assert!(code == 79 && said.contains("web3 holds no slot of p"), "{said}");
}

#[test]
fn every_action_prints_its_result() {
    let moved = json!({"pool": "p", "host": "web9", "ticket": 3, "position": 1, "store": "s"});
    let state: Value = serde_json::from_str(STATE).unwrap();
    for (args, action, body, answer, told) in [
        (
            &["pause", "p", "--reason", "x"] as &[&str],
            "pools/p/pause",
            json!({"reason": "x", "author": "ann"}),
            &state,
            "paused p: one of 2 slots is held, 3 in the queue; holders keep their slots, and no slot is granted until: \
             distributexctl resume p\n",
        ),
        (
            &["resume", "p", "--author", "bob"],
            "pools/p/resume",
            json!({"author": "bob"}),
            &state,
            "resumed p: one of 2 slots is held, 3 in the queue\n",
        ),
        (
            &["promote", "p", "3", "--reason", "x"],
            "pools/p/promote",
            json!({"ticket": 3, "reason": "x", "author": "ann"}),
            &moved,
            "web9 (ticket 3) is now first in the queue of p\n",
        ),
        (
            &["evict", "p", "3", "--reason", "x"],
            "pools/p/evict",
            json!({"ticket": 3, "reason": "x", "author": "ann"}),
            &moved,
            "removed web9 (ticket 3) from the queue of p\n",
        ),
        (
            &["reload"],
            "reload",
            json!({"author": "ann"}),
            &json!({"pools": 2, "need_restart": ["state_dir"]}),
            "reloaded the configuration: 2 pools; these changes take effect only after a restart: state_dir\n",
        ),
    ] {
        let server = Fake::start();
        let tool = run(&server, args);

        let asked = action_of(&server, action);
        assert_eq!(asked.body, body);
        asked.answer_json("200 OK", answer);

        assert_eq!(end(tool), (0, told.to_owned(), String::new()), "{args:?}");
    }
}

#[test]
fn a_refusal_has_its_reason_and_status() {
    for (args, action, status, kind, code, advice) in [
        (
            &["pause", "p", "--reason", "x"] as &[&str],
            "pools/p/pause",
            "401 Unauthorized",
            "unauthorized",
            77,
            "--key-file",
        ),
        (&["pause", "p", "--reason", "x"], "pools/p/pause", "404 Not Found", "no_such_pool", 77, ""),
        (
            &["force-release", "p", "7", "--reason", "x"],
            "pools/p/force-release",
            "404 Not Found",
            "not_found",
            79,
            "",
        ),
        (&["promote", "p", "7", "--reason", "x"], "pools/p/promote", "404 Not Found", "not_found", 79, ""),
        (&["resume", "p"], "pools/p/resume", "404 Not Found", "not_found", 77, ""),
        (&["resume", "p"], "pools/p/resume", "503 Service Unavailable", "draining", 69, ""),
        (&["reload"], "reload", "400 Bad Request", "bad_request", 78, ""),
    ] {
        let server = Fake::start();
        let tool = run(&server, args);
        let no = json!({"kind": kind, "message": "line 3: no\nline 4: no"});
        action_of(&server, action).answer_json(status, &no);

        let (ended, told, said) = end(tool);

        assert_eq!((ended, told.as_str()), (code, ""), "{args:?} {kind}: {said}");
        assert!(said.contains("line 3: no") && said.contains(advice), "{said}");
        assert_eq!(said.lines().count(), if kind == "bad_request" { 2 } else { 1 }, "{said}");
    }
}

#[test]
fn wrong_usage_is_64() {
    for args in [
        &["pause", "p"] as &[&str],
        &["force-release", "p", "--reason", "x"],
        &["force-release", "p", "7", "--host", "web1", "--reason", "x"],
        &["force-release", "p", "seven", "--reason", "x"],
        &["promote", "p", "--reason", "x"],
        &["evict", "p", "7", "--reason", ""],
        &["reload", "--author", ""],
        &["-H", "localhost", "--socket", "/s", "reload"],
        &["--color", "blue", "status"],
        &["status", "--key", "5f0c"],
    ] {
        let (code, _, said) = ended(Command::new(env!("CARGO_BIN_EXE_distributexctl")).args(args));
        assert!(code == 64 && said.contains("--help"), "{args:?}: {said}");
    }
}

#[test]
fn a_key_file_must_be_private() {
    let server = Fake::start();
    let key = file_with("5f0c17\n");
    let tool = |key: &str| {
        let mut command = ctl(server.addr());
        command.args(["resume", "p", "--key-file", key]);
        command
    };
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let key = key.to_str().unwrap();

    let (code, _, said) = ended(&mut tool(key));
    assert!(code == 71 && said.contains("readable by others (mode 0640)"), "{said}");
    assert!(!said.contains("5f0c17"), "the key is a secret");

    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    let child = start(&mut tool(key));
    let asked = action_of(&server, "pools/p/resume");
    assert_eq!(asked.header("authorization"), Some("Bearer 5f0c17"));
    asked.answer_json("200 OK", &serde_json::from_str(STATE).unwrap());
    assert_eq!(end(child).0, 0);

    let (code, _, said) = ended(&mut tool("/nonexistent/key"));
    assert!(code == 71 && said.contains("key file /nonexistent/key: "), "{said}");
}

#[test]
fn the_environment_may_set_one_key() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
    command.arg("reload").env("DISTRIBUTEX_KEY", "not a key");
    let (code, _, said) = ended(&mut command);
    assert!(code == 64 && said.contains("DISTRIBUTEX_KEY in the environment: not a valid key"), "{said}");
    assert!(!said.contains("not a key"), "it may be one with a slip of the pen: {said}");

    command.env("DISTRIBUTEX_KEY", "5f0c").env("DISTRIBUTEX_KEY_FILE", "k");
    let (code, _, said) = ended(&mut command);
    assert!(code == 64 && said.contains("are both set"), "{said}");
}

#[test]
fn resuming_a_pool_that_is_not_paused_says_so() {
    let server = Fake::start();
    let tool = run(&server, &["resume", "p"]);
    let state = json!({"name": "p", "slots": 1, "held": 0, "holders": [], "store": "s",
        "queue": {"length": 0, "waiters": []}, "paused": null, "resumed": false});

    action_of(&server, "pools/p/resume").answer_json("200 OK", &state);

    assert_eq!(
        end(tool),
        (0, "p was not paused: its slot is free, 0 in the queue\n".to_owned(), String::new())
    );
}

#[test]
fn an_unknown_command_suggests_a_known_one() {
    let said = |args: &[&str]| {
        let (code, _, said) = ended(Command::new(env!("CARGO_BIN_EXE_distributexctl")).args(args));
        assert_eq!(code, 64);
        said
    };

    assert!(said(&["stats"]).starts_with("error: no such command \"stats\"; did you mean \"status\"?\n"));
    assert!(said(&["-v", "force", "p"]).contains("did you mean \"force-release\"?"));
    assert!(said(&["foo"]).contains("no such command \"foo\"; the commands are status, why, "));
    assert!(said(&["front", "p", "3"]).contains("no such command \"front\"; its name is now \"promote\""));
    assert!(said(&["remove", "p", "3"]).contains("its name is now \"evict\""));
    assert!(said(&["why", "p", "foo"]).contains("Found argument 'foo'"));
}

#[test]
fn usage_names_only_what_is_required() {
    let usage = |program: &str, args: &[&str]| {
        let help = ended(Command::new(program).args(args)).1;
        help.split("USAGE:\n").nth(1).unwrap().lines().next().unwrap().trim().to_owned()
    };
    let ctl = env!("CARGO_BIN_EXE_distributexctl");

    assert_eq!(usage(ctl, &["why", "--help"]), "distributexctl why [FLAGS] [OPTIONS] <POOL>");
    assert!(usage(ctl, &["pause", "--help"]).ends_with("<POOL> --reason <TEXT>"));
    assert!(!usage(ctl, &["man", "--help"]).contains("color"));
    assert_eq!(usage(env!("CARGO_BIN_EXE_distributexd"), &["--help"]), "distributexd -c FILE [OPTIONS]");
}
