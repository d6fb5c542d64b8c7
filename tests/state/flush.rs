//! A flush that failed: what it held is lost, though it can still be read. Nothing that was answered may depend on it.

use std::fs;

use super::disk::MoodyDisk;
use crate::member::Member;

/// So many leases that one change does not touch all pages of the file.
const MANY: usize = 60;

fn pools() -> String {
    let pools = (0..=MANY).map(|n| format!("  - {{name: p{n}, expire: 300}}\n"));
    format!("pools:\n{}", pools.collect::<String>())
}

/// What a get of this host for this pool is answered.
fn get(member: &Member, host: &str, n: usize) -> String {
    member.server().word(&format!("/get?host={host}&pool=p{n}"))
}

#[test]
fn leases_outlive_a_failed_flush_and_a_power_cut() {
    let disk = MoodyDisk::new();
    let mut member = disk.server_without_power(&pools());
    for n in 0..MANY {
        assert_eq!(get(&member, "ann", n), "YES");
    }
    disk.becomes("clean");
    assert_eq!(member.server().word("/release?host=ann&pool=p3"), "OK");
    member.says("state_directory_down");
    disk.recovers();
    member.says("state_directory_up");
    assert_eq!(get(&member, "ann", MANY), "YES");

    member.is_restarted();

    let free: Vec<_> = (0..=MANY).filter(|n| get(&member, "bob", *n) == "YES").collect();
    assert_eq!(free, [3]);
}

#[test]
fn an_older_copy_that_is_put_back_meanwhile_is_not_taken() {
    let disk = MoodyDisk::new();
    let mut member = disk.server(&pools());
    assert_eq!(get(&member, "ann", 0), "YES");
    let older = fs::read(disk.file()).unwrap();
    assert_eq!(get(&member, "ann", 1), "YES");
    disk.becomes("eio");
    assert_eq!(member.server().get("/get?host=ann&pool=p2"), (503, "NO".to_owned()));
    fs::write(disk.file(), older).unwrap();
    disk.recovers();
    member.says("state_directory_up");

    member.is_restarted();

    assert_eq!([0, 1, 2].map(|n| get(&member, "bob", n)), ["NO", "NO", "YES"]);
}
