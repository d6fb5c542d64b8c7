//! Every exit status there is, and the help.

use std::process::Command;

use super::{ONE_SLOT, acquired, ctl};
use crate::{fake::Port, support::Server, wrapper::run::ended};

fn tool(args: &[&str]) -> (i32, String, String) {
    ended(Command::new(env!("CARGO_BIN_EXE_distributexctl")).args(args))
}

#[test]
fn wrong_usage_is_64_and_says_how_to_do_it() {
    for args in [
        &[] as &[&str],
        &["frobnicate"],
        &["why"],
        &["status", ""],
        &["acquire"],
        &["acquire", "p", "-n", "-w", "1"],
        &["acquire", "p", "--ttl", "0.4"],
        &["acquire", "p", "--json", "--lease-file", "f"],
        &["acquire", "p", "--host", "a\u{1b}b"],
        &["renew"],
        &["renew", "p"],
        &["release", "p"],
        &["release", "p", "x", "--lease-file", "f"],
        &["-H", "one,,two", "status"],
        &["-p", "0", "status"],
    ] {
        let (code, output, said) = tool(args);
        assert_eq!((code, output.as_str()), (64, ""), "{args:?}");
        assert!(said.contains("--help"), "{args:?}: {said}");
    }
}

#[test]
fn a_wrong_variable_is_named() {
    for (name, value) in [("SERVER", "a,,b"), ("PORT", "x"), ("HOST", "a\u{1}")] {
        let name = format!("DISTRIBUTEX_{name}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
        let (code, _, said) = ended(command.arg("status").env(&name, value));
        assert!(code == 64 && said.contains(&name), "{said}");
    }
}

#[test]
fn help_and_version_go_to_the_output() {
    let (code, help, said) = tool(&["--help"]);
    assert_eq!((code, said.as_str()), (0, ""));
    for taught in [
        "Inspect and administer pools",
        "3 am",
        "DISTRIBUTEX_KEY_FILE",
        "ExecStartPre=",
        "EXIT STATUS",
        "DISTRIBUTEX_SERVER",
        "distributexctl why",
    ] {
        assert!(help.contains(taught), "{taught}");
    }
    assert!(tool(&["acquire", "--help"]).1.contains("The lease is not renewed automatically"));
    for verb in ["renew", "release"] {
        let help = tool(&[verb, "--help"]).1;
        assert!(help.contains("standard input") && help.contains(&format!("{verb} [OPTIONS] --lease-file")));
    }
    assert!(tool(&["-V"]).1.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_slot_is_75() {
    let server = Server::start(ONE_SLOT);
    acquired(&server, "web7");

    for (options, advice) in [(&["-n"] as &[&str], "use -w to wait"), (&["-w", "0.3"], "gave up after 0.")] {
        let (code, output, said) = ended(ctl(server.addr).args(["acquire", "p"]).args(options));
        assert_eq!((code, output.as_str()), (75, ""), "{options:?}");
        assert!(
            said.contains("every slot of \"p\" is held; web7 has had it") && said.contains(advice),
            "{said}"
        );
    }
}

#[test]
fn a_refusal_is_77() {
    let server = Server::start("pools: [{name: p, servers: acme1}]");

    for args in [
        &["status", "q"] as &[&str],
        &["status", "q", "--watch"],
        &["why", "q"],
        &["acquire", "q"],
        &["renew", "q", "x"],
        &["release", "q", "x"],
    ] {
        let (code, output, said) = ended(ctl(server.addr).args(args));
        assert_eq!((code, output.as_str()), (77, ""), "{args:?}");
        assert!(said.contains("no pool named"), "{said}");
    }
    let (code, _, said) = ended(ctl(server.addr).args(["acquire", "p", "--host", "stranger"]));
    assert!(code == 77 && said.contains("stranger"), "{said}");
}

#[test]
fn a_server_that_is_not_there_is_69() {
    let nowhere = Port::take();

    for args in [
        &["status"] as &[&str],
        &["why", "p"],
        &["history", "p"],
        &["events"],
        &["status", "--watch"],
        &["pause", "p", "--reason", "x"],
        &["reload"],
        &["acquire", "p", "-n"],
        &["acquire", "p", "-w", "0.3"],
        &["renew", "p", "x"],
    ] {
        let (code, output, said) = ended(ctl(nowhere.addr()).args(args));
        assert_eq!((code, output.as_str()), (69, ""), "{args:?}");
        assert!(said.contains("cannot reach"), "{said}");
    }
}

#[test]
fn a_lost_lease_is_79_for_a_renew_and_nothing_for_a_release() {
    let server = Server::start(ONE_SLOT);
    let id = acquired(&server, "web7");
    assert_eq!(ended(ctl(server.addr).args(["release", "p", &id])).0, 0);

    assert_eq!(ended(ctl(server.addr).args(["renew", "p", &id])).0, 79);
    let (code, _, said) = ended(ctl(server.addr).args(["release", "p", &id]));
    assert!(code == 0 && said.contains("was no longer held"), "{said}");
    assert!(!said.contains(&id), "the lease id is a secret");
}
