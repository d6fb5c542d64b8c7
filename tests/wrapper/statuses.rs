//! Every exit status there is.

use std::{process::Command, time::Duration};

use serde_json::json;
use tokio::time::Instant;

use super::{
    ONE_SLOT,
    run::{Run, ended, wrapper, wrapper_as},
};
use crate::{
    fake::{Fake, Port},
    support::Server,
};

#[test]
fn the_commands_own_status_is_passed_on() {
    let server = Server::start(ONE_SLOT);

    for status in [0, 1, 7, 255] {
        let (code, output, said) = ended(wrapper(server.addr).arg(format!("exit {status}")));
        assert_eq!((code, output.as_str(), said.as_str()), (status, "", ""));
    }
}

#[test]
fn a_command_that_a_signal_ended_says_which() {
    let server = Server::start(ONE_SLOT);

    assert_eq!(ended(wrapper(server.addr).arg("kill -TERM $$")).0, 143);
    assert_eq!(ended(wrapper(server.addr).arg("kill -KILL $$")).0, 137);
}

#[test]
fn wrong_usage_is_64_and_says_how_to_do_it() {
    for options in [
        &["-H", "locks", "-r", "p"] as &[&str],
        &["-r", "p", "true"],
        &["-H", "locks", "true"],
        &["-H", "locks", "-r", "p", ""],
        &["-H", "one,,two", "-r", "p", "true"],
        &["-H", "https://locks", "-r", "p", "true"],
        &["-H", "locks", "-r", "p", "-p", "0x", "true"],
        &["-H", "locks", "-r", "p", "-w", "soon", "true"],
        &["-H", "locks", "-r", "p", "-w", "1", "-n", "true"],
        &["-H", "locks", "-r", "p", "-E", "256", "true"],
        &["-H", "locks", "-r", "p", "-t", "1.9", "true"],
        &["-H", "locks", "-r", "p", "-t", "30", "--kill-after", "14.1", "true"],
        &["-H", "locks", "-r", "p", "--on-lost", "cry", "true"],
        &["-H", "locks", "-r", "p", "--kill-after", "-1", "true"],
        &["-H", "locks", "-r", "p", "--max-run", "0", "true"],
        &["-H", "locks", "-r", "", "true"],
        &["-H", "locks", "-r", "p", "--frobnicate", "true"],
    ] {
        let (code, output, said) = ended(Command::new(env!("CARGO_BIN_EXE_distributex")).args(options));
        assert_eq!((code, output.as_str()), (64, ""), "{options:?}");
        assert!(said.contains("--help"), "{options:?}: {said}");
    }
}

#[test]
fn help_and_version_go_to_the_output() {
    let ask = |option| ended(Command::new(env!("CARGO_BIN_EXE_distributex")).arg(option));

    let (code, help, said) = ask("--help");
    assert_eq!((code, said.as_str()), (0, ""));
    for taught in ["*/5 * * * *", "EXIT STATUS", "--conflict-exit-code", "DX_POOL"] {
        assert!(help.contains(taught), "{taught}");
    }
    assert!(ask("-h").1.contains("USAGE"));
    assert!(ask("-V").1.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_server_that_is_not_there_is_69_when_there_is_no_time() {
    let nowhere = Port::take();

    let (code, _, said) = ended(wrapper(nowhere.addr()).args(["-n", "true"]));
    assert_eq!(code, 69);
    assert!(said.contains("cannot reach"), "{said}");

    let started = Instant::now();
    let (code, _, said) = ended(wrapper(nowhere.addr()).args(["-w", "1.2", "true"]));
    assert!(started.elapsed() >= Duration::from_millis(1200), "it may have come by then");
    assert_eq!(code, 69);
    let (_, time) = said.split_once("gave up after ").unwrap();
    let seconds: f64 = time.split(' ').next().unwrap().parse().unwrap();
    assert!(seconds >= 1.2 && Duration::from_secs_f64(seconds) <= started.elapsed(), "{said}");
}

#[test]
fn no_slot_is_75_or_what_was_asked_for() {
    let server = Server::start(ONE_SLOT);
    server.get("/get?host=other&pool=p");

    for (options, status) in [
        (&["-n"] as &[&str], 75),
        (&["-w", "0"], 75),
        (&["-w", "1"], 75),
        (&["-n", "-E", "0"], 0),
        (&["-w", "1", "-E", "3"], 3),
    ] {
        let (code, output, said) = ended(wrapper(server.addr).args(options).arg("echo ran"));
        assert_eq!((code, output.as_str()), (status, ""), "{options:?}");
        assert!(said.contains("every slot of \"p\" is held") && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn a_refusal_is_77() {
    let server = Server::start("pools:\n  - name: p\n    servers: acme1\n");

    let (code, output, said) = ended(wrapper_as(server.addr, "stranger").arg("echo ran"));
    assert_eq!((code, output.as_str()), (77, ""));
    assert!(said.contains("refused") && said.contains("stranger"), "{said}");

    assert_eq!(ended(wrapper_as(server.addr, "acme1").arg("true")).0, 0);
}

#[test]
fn a_command_that_cannot_be_run_is_126_or_127_and_gives_the_slot_back() {
    let server = Server::start(ONE_SLOT);

    for (command, status) in
        [("/etc/passwd", 126), ("/no/such/command", 127), ("no-such-command-anywhere", 127)]
    {
        let (code, _, said) = ended(wrapper(server.addr).args(["--", command]));
        assert_eq!(code, status);
        assert!(said.contains(command), "{said}");
        assert_eq!(server.get("/get?host=other&pool=p").1, "YES", "after {command}");
        server.get("/release?host=other&pool=p");
    }
}

#[test]
fn without_descriptors_it_is_71_and_a_sentence() {
    for limit in 3..24 {
        let script = format!(
            "ulimit -n {limit}; exec {} -H 127.0.0.1:1 -r p -n true",
            env!("CARGO_BIN_EXE_distributex")
        );

        let (code, _, said) = ended(Command::new("bash").args(["-c", &script]));

        assert!(matches!(code, 69 | 71 | 127), "{limit}: {code} {said}"); // 127: not even its libraries can be opened
        assert!(code == 127 || said.starts_with("distributex: "), "{limit}: {said}");
    }
}

#[test]
fn what_a_server_says_does_nothing_to_the_terminal() {
    let server = Fake::start();
    let no = json!({"kind": "no_such_pool", "message": "no\u{1b}[2J\u{7}\npool\u{202e}", "store": "s"});
    let mut run = Run::start(wrapper(server.addr()).args(["-n", "true"]));

    server.asked_v1("acquire").answer_json("404 Not Found", &no);

    let (code, said) = run.end();
    assert_eq!((code, said.lines().count()), (77, 1));
    assert!(said.contains("[2J") && !said.trim_end().contains(char::is_control), "{said:?}");
}

#[test]
fn a_server_can_be_named_by_its_url() {
    let server = Server::start(ONE_SLOT);
    let run = |url: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributex"));
        ended(command.args(["-H", url, "-r", "p", "exit 3"]))
    };

    assert_eq!(run(&format!("http://{}", server.addr)), (3, String::new(), String::new()));
    let (code, _, said) = run("https://locks.acme.com");
    assert!(code == 64 && said.contains("TLS is not supported"), "{said}");
}

#[test]
fn durations_may_have_units() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=other&pool=p"), "YES");

    let (code, _, said) = ended(wrapper(server.addr).args(["-w", "200ms", "true"]));
    assert!(code == 75 && said.contains("gave up after 0.2 s"), "{said}");

    let (code, _, said) = ended(wrapper(server.addr).args(["-w", "5 minutes", "true"]));
    assert!(code == 64 && said.contains("as in 30, 0.5, 90s, 10m or 2h"), "{said}");
    let (code, _, said) = ended(wrapper(server.addr).args(["-t", "1s", "true"]));
    assert!(code == 64 && said.contains("must be at least 2 seconds"), "{said}");
}
