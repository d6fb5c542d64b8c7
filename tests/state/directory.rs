//! The directory itself: whose it is, and what is wrong with it.

use std::{fs, process::Command};

use super::{keeping, kept_in};
use crate::{support::file_with, wrapper::run::folder};

const P: &str = "pools: [{name: p, expire: 300}]";

/// How a server ends that cannot start, and what it says.
fn refused(yaml: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    command.arg("-c").arg(file_with(yaml)).args(["--listen", "127.0.0.1:0"]);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_second_server_is_refused_and_the_first_one_goes_on() {
    let member = keeping(P);

    let (status, said) = refused(member.yaml());

    assert_eq!(status, Some(71));
    assert!(said.starts_with("distributexd: another server uses the state directory"), "{said}");
    assert_eq!(member.ask("get", "ann"), (200, "YES".to_owned()));
}

#[test]
fn a_damaged_file_stops_the_start_with_the_way_out_and_moving_it_away_is_one() {
    let directory = folder().join("state");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("leases.redb");
    fs::write(&file, "this is something else").unwrap();

    let (status, said) = refused(&kept_in(&directory, P));

    assert_eq!(status, Some(71));
    assert!(said.contains("leases.redb is damaged") && said.contains("move the file away"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "this is something else");
    fs::remove_file(&file).unwrap();
    let member = crate::member::Member::alone(&kept_in(&directory, P));
    assert_eq!(member.ask("get", "ann"), (200, "YES".to_owned()));
}

#[test]
fn what_cannot_be_a_directory_is_told_so() {
    let file = folder().join("file");
    fs::write(&file, "").unwrap();

    let (status, said) = refused(&kept_in(&file, P));

    assert_eq!(status, Some(71));
    assert!(said.contains("cannot use the state directory") && said.contains("local disk"), "{said}");
}
