//! Leases in files.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::Value;

use super::{ONE_SLOT, ctl, is_held, state};
use crate::{
    fake::Fake,
    support::{Server, file_with},
    wrapper::run::{Run, ended, folder},
};

/// The tool without a server on its command line.
fn bare() -> Command {
    Command::new(env!("CARGO_BIN_EXE_distributexctl"))
}

/// An acquire of pool `p` into this file.
fn acquire(server: &Server, file: &Path) -> (i32, String, String) {
    ended(ctl(server.addr).args(["acquire", "p", "-n", "--host", "web7", "--lease-file"]).arg(file))
}

/// A renew or a release of the lease in this file: exit status and what it said.
fn then(verb: &str, file: &Path) -> (i32, String) {
    let (code, output, said) = ended(bare().args([verb, "--lease-file"]).arg(file));
    assert_eq!(output, "");
    (code, said)
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_file_keeps_the_lease_between_acquire_and_release() {
    let (server, folder) = (Server::start(ONE_SLOT), folder());
    let file = folder.join("lease");

    assert_eq!(acquire(&server, &file), (0, String::new(), String::new()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let lease = read(&file);
    assert_eq!(lease["token"], state(&server)["holders"][0]["token"]);
    assert_eq!((&lease["pool"], &lease["server"]), (&"p".into(), &server.addr.to_string().into()));

    let (code, _, _) = ended(bare().args(["renew", "--ttl", "40", "--lease-file"]).arg(&file));
    assert_eq!((code, &read(&file)["ttl"]), (0, &40.into()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");

    assert_eq!(then("release", &file), (0, String::new()));
    assert!(!file.exists() && !is_held(&server));
}

#[test]
fn without_a_file_there_is_nothing_to_release_and_nothing_to_renew() {
    let file = folder().join("lease");

    for text in [None, Some("")] {
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        let (code, said) = then("release", &file);
        assert!(code == 0 && said.contains("nothing to release"), "{said}");
        let (code, said) = then("renew", &file);
        assert!(code == 79 && said.contains("no lease to renew"), "{said}");
    }
}

#[test]
fn a_lease_that_is_held_is_not_written_over_but_an_old_one_is() {
    let (server, file) = (Server::start("pools: [{name: p, maxlocks: 2}]"), folder().join("lease"));
    fs::write(&file, "").unwrap(); // as mktemp does
    assert_eq!(acquire(&server, &file).0, 0);
    let old = read(&file);

    let (code, _, said) = acquire(&server, &file);
    assert!(code == 75 && said.contains("still held"), "{said}");
    assert_eq!((&read(&file), &state(&server)["held"]), (&old, &1.into()));

    let id = old["lease"].as_str().unwrap();
    assert_eq!(ended(ctl(server.addr).args(["release", "p", id])).0, 0);
    assert_eq!(acquire(&server, &file).0, 0);
    assert_ne!(read(&file)["lease"], old["lease"]);
}

#[test]
fn the_file_of_a_lost_lease_is_removed() {
    let (server, file) = (Server::start(ONE_SLOT), folder().join("lease"));
    acquire(&server, &file);
    let id = read(&file)["lease"].as_str().unwrap().to_owned();
    ended(ctl(server.addr).args(["release", "p", &id]));

    assert_eq!(then("renew", &file).0, 79);
    let (code, said) = then("release", &file);

    assert!(code == 0 && said.contains("was no longer held") && !file.exists(), "{said}");
}

#[test]
fn a_server_that_was_restarted_without_its_memory_says_that_the_lease_is_lost() {
    let (mut server, file) = (Server::start(ONE_SLOT), folder().join("lease"));
    acquire(&server, &file);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let (code, said) = then("renew", &file);
    assert!(code == 69 && said.contains("cannot reach"), "{said}");

    let mut again = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    again.arg("-c").arg(file_with(ONE_SLOT)).args(["--listen", &server.addr.to_string()]);
    let _server = Server::spawn(&mut again);

    assert_eq!(then("renew", &file).0, 79);
    assert_eq!((then("release", &file).0, file.exists()), (0, false));
}

#[test]
fn where_no_file_can_be_nobody_waits() {
    let server = Fake::start();

    let acquire = ["acquire", "p", "--lease-file", "/no/such/folder/lease"];
    let (code, _, said) = ended(ctl(server.addr()).args(acquire));

    assert!(code == 71 && said.contains("/no/such/folder/lease"), "{said}");
    assert!(server.is_left_alone());
}

#[test]
fn a_lease_that_cannot_be_written_goes_back() {
    let (server, folder) = (Fake::start(), folder());
    let mut run = Run::start(
        ctl(server.addr())
            .args(["acquire", "p", "-n", "--host", "web7", "--lease-file"])
            .arg(folder.join("lease")),
    );

    let asked = server.asked_v1("acquire");
    fs::remove_dir(&folder).unwrap();
    asked.give("s", 30.0);

    let back = server.asked_v1("release");
    assert_eq!(back.body["lease"], "0123");
    back.done();
    assert_eq!(run.end().0, 71);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (server, folder) = (Server::start(ONE_SLOT), folder());
    let file = folder.join("secret");
    fs::write(&file, r#"{"password": "hush"}"#).unwrap();

    for path in [&file, &folder] {
        let said = [acquire(&server, path).2, then("release", path).1, then("renew", path).1].concat();
        assert_eq!(said.matches("no lease file").count(), 3, "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
    assert!(file.exists() && !is_held(&server));
}
