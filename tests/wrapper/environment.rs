//! Options from the environment.

use std::process::Command;

use super::{
    ONE_SLOT,
    run::{Run, ended, wrapper},
};
use crate::{fake::Fake, support::Server};

/// The wrapper with these variables and no other of its own.
fn with(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributex"));
    command.envs(variables.iter().map(|(name, value)| (format!("DISTRIBUTEX_{name}"), value)));
    command
}

#[test]
fn every_option_has_its_variable_in_the_help() {
    let help = ended(with(&[]).arg("--help")).1;
    let options = help.lines().filter_map(|line| {
        let (_, long) = line.trim_start().strip_prefix('-').and(line.split_once("--"))?;
        long.split(' ').next()
    });
    let options: Vec<_> = options.filter(|option| !["help", "version"].contains(option)).collect();

    assert!(options.len() > 10, "{options:?}");
    for option in options {
        let name = option.to_uppercase().replace('-', "_");
        let variable = format!("DISTRIBUTEX_{name}");
        assert!(help.split_whitespace().any(|word| word == variable), "{variable} is not in the help");
        if !["LOCK_FILE", "COMMAND_NOTE", "STATUS_FILE"].contains(&name.as_str()) {
            let (code, _, said) = ended(with(&[(&name, "wr\u{1}ng")]).args(["true"]));
            assert_eq!(code, 64, "{name}");
            assert!(said.contains(&variable), "{variable} is not named: {said}");
        }
    }
}

#[test]
fn a_run_can_have_all_its_options_from_there() {
    let server = Fake::start();
    let addr = server.addr().to_string();
    let (addr, port) = addr.split_once(':').unwrap();
    let mut command = with(&[
        ("SERVER", addr),
        ("PORT", port),
        ("RESOURCE", "p"),
        ("HOST", "web9"),
        ("TTL", "20"),
        ("COMMAND_NOTE", "nightly"),
        ("NONBLOCK", "yes"),
        ("CONFLICT_EXIT_CODE", "3"),
    ]);
    let mut run = Run::start(command.arg("echo ran"));

    let asked = server.asked_v1("acquire");
    let said = ["host", "ttl", "command"].map(|name| asked.body[name].to_string());
    assert_eq!(said.join(" "), r#""web9" 20.0 "nightly""#);
    asked.refuse("423 Locked", "pool_full", "s");

    assert_eq!((run.end().0, run.line()), (3, String::new()));
}

#[test]
fn the_command_line_wins() {
    let server = Server::start(ONE_SLOT);
    server.get("/get?host=other&pool=p");
    let mut busy = wrapper(server.addr);
    let busy = busy.envs([("DISTRIBUTEX_RESOURCE", "q"), ("DISTRIBUTEX_HOST", "web9")]);
    let quick = |command: &mut Command| ended(command.arg("true")).0;

    assert_eq!(quick(busy.args(["-n", "-E", "5"]).env("DISTRIBUTEX_CONFLICT_EXIT_CODE", "6")), 5);
    assert_eq!(quick(wrapper(server.addr).arg("-n").env("DISTRIBUTEX_WAIT", "60")), 75);
    assert_eq!(quick(wrapper(server.addr).args(["-w", "0.1"]).env("DISTRIBUTEX_NONBLOCK", "1")), 75);
}

#[test]
fn what_contradicts_itself_is_refused_and_what_is_off_does_not_count() {
    let try_it = |nonblock| {
        let variables = [("SERVER", "127.0.0.1:1"), ("RESOURCE", "p"), ("WAIT", "0"), ("NONBLOCK", nonblock)];
        let (code, _, said) = ended(with(&variables).arg("true"));
        (code, said)
    };

    let (code, said) = try_it("true");
    assert_eq!(code, 64);
    assert!(said.contains("DISTRIBUTEX_WAIT and DISTRIBUTEX_NONBLOCK"), "{said}");
    for off in ["0", "false", "no", ""] {
        assert_eq!(try_it(off).0, 69, "{off}");
    }
}

#[test]
fn without_a_server_or_a_pool_both_ways_to_name_one_are_told() {
    let (code, _, said) = ended(with(&[]).args(["-r", "p", "true"]));
    assert!(code == 64 && said.contains("-H") && said.contains("DISTRIBUTEX_SERVER"), "{said}");

    let (code, _, said) = ended(with(&[("SERVER", "locks")]).arg("true"));
    assert!(code == 64 && said.contains("-r") && said.contains("DISTRIBUTEX_RESOURCE"), "{said}");
}
