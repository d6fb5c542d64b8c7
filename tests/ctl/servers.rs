//! Several servers, other ones, and old ones.

use std::{fs, process::Command};

use super::{ONE_SLOT, acquired, ctl, is_held};
use crate::{
    fake::{Fake, Port},
    support::Server,
    wrapper::run::{Run, ended, folder},
};

#[test]
fn the_next_server_is_asked_when_one_is_not_there() {
    let (nowhere, server) = (Port::take(), Server::start(ONE_SLOT));
    let list = format!("{},{}", nowhere.addr(), server.addr);
    let file = folder().join("lease");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
        ended(command.args(args).env("DISTRIBUTEX_SERVER", &list)).0
    };
    let lease_file = ["--lease-file", file.to_str().unwrap()];

    assert_eq!(run(&["status"]), 0);
    assert_eq!(run(&["-H", &list, "why", "p"]), 0);
    assert_eq!(run(&["acquire", "p", "-n", lease_file[0], lease_file[1]]), 0);
    assert!(fs::read_to_string(&file).unwrap().contains(&list));
    assert_eq!(run(&["renew", lease_file[0], lease_file[1]]), 0);
    assert_eq!(run(&["release", lease_file[0], lease_file[1]]), 0);
    assert!(!is_held(&server));
}

#[test]
fn a_lease_of_one_store_is_not_looked_for_in_another() {
    let (server, other) = (Server::start(ONE_SLOT), Server::start(ONE_SLOT));
    let file = folder().join("lease");
    let host = ["acquire", "p", "--host", "web7", "--lease-file"];
    assert_eq!(ended(ctl(server.addr).args(host).arg(&file)).0, 0);

    let (code, _, said) = ended(ctl(other.addr).args(["renew", "--lease-file"]).arg(&file));
    assert!(code == 69 && said.contains("another store"), "{said}");

    assert!(is_held(&server) && file.exists());
}

#[test]
fn the_file_says_which_server_unless_the_command_line_does() {
    let (server, nowhere) = (Server::start(ONE_SLOT), Port::take());
    let file = folder().join("lease");
    assert_eq!(ended(ctl(server.addr).args(["acquire", "p", "--lease-file"]).arg(&file)).0, 0);

    assert_eq!(ended(ctl(nowhere.addr()).args(["renew", "--lease-file"]).arg(&file)).0, 69);
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
    let renew = command.args(["renew", "--lease-file"]).arg(&file);
    assert_eq!(ended(renew.env("DISTRIBUTEX_SERVER", nowhere.addr().to_string())).0, 0);
}

#[test]
fn the_environment_names_server_port_and_host() {
    let server = Server::start(ONE_SLOT);
    let port = server.addr.port().to_string();
    let with = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
        let variables = [("SERVER", "127.0.0.1"), ("PORT", &port), ("HOST", "web7")];
        ended(command.args(args).envs(variables.map(|(name, value)| (format!("DISTRIBUTEX_{name}"), value))))
    };

    assert_eq!(with(&["acquire", "p"]).0, 0);

    assert!(with(&["status"]).1.contains("web7"));
    assert_eq!(with(&["-p", "1", "status"]).0, 69, "the command line wins");
    assert_eq!(with(&["status", "-p", &port]).0, 0, "on either side of the command");
}

#[test]
fn a_server_that_is_too_old_says_so() {
    for args in [&["status"] as &[&str], &["why", "p"], &["acquire", "p"], &["renew", "p", "x"]] {
        let server = Fake::start();
        let mut run = Run::start(ctl(server.addr()).args(args));

        server.next().answer_status("404 Not Found", "INVALID");

        let (code, said) = run.end();
        assert!(code == 69 && said.contains("does not support the v1 protocol"), "{args:?}: {said}");
    }
}

#[test]
fn a_held_slot_of_one_server_is_told_by_none_of_its_neighbours() {
    let (server, other) = (Server::start(ONE_SLOT), Server::start(ONE_SLOT));

    acquired(&server, "web7");

    assert!(ended(ctl(server.addr).args(["status"])).1.contains("web7"));
    assert!(!ended(ctl(other.addr).args(["status"])).1.contains("web7"));
}
