//! Clocks over a restart: within one boot of the machine, after another one, and when somebody set the clock.

use std::{fs, process::Command, time::Duration};

use serde_json::json;

use super::{keeping, kept_in, pass};
use crate::{
    faults::clock::Clock,
    member::Member,
    wrapper::run::{eventually, folder},
};

const P: &str = "pools: [{name: p}]";
/// How long the machine, or only the server, is off.
const OFF: Duration = Duration::from_secs(4);

/// How much is left of the only lease.
fn left(member: &Member) -> f64 {
    let (_, state) = member.look("/v1/pools/p");
    state["holders"][0]["expires_in"].as_f64().unwrap_or_else(|| panic!("{state}"))
}

/// A server that gave a lease for a minute, and was killed and is off for a while.
fn off() -> Member {
    let mut member = keeping(P);
    let (status, _) = member.call("acquire", &json!({"host": "ann", "owner": "run1", "ttl": 60}));
    assert_eq!(status, 201);
    member.is_killed();
    pass(OFF);
    member
}

#[test]
fn within_one_boot_the_time_that_a_lease_has_left_is_exact() {
    let mut member = off();

    member.comes();

    let left = left(&member);
    assert!(left > 20.0 && left < 56.1, "{left} s are left of 60, 4 s or more later");
}

/// Needs the right to mount; where there is none, nothing is tested.
#[test]
fn after_another_boot_a_lease_lives_all_that_it_had_left() {
    let id = folder().join("boot_id");
    fs::write(&id, "01234567-89ab-cdef-0123-456789abcdef\n").unwrap();
    let script =
        format!("mount --bind {} /proc/sys/kernel/random/boot_id && exec \"$0\" \"$@\"", id.display());
    let other_boot = ["unshare", "--mount", "sh", "-c", &script];
    if !can(&other_boot) {
        return;
    }
    let mut member = off();
    member.is_launched_by(&other_boot);

    member.comes();

    let all = left(&member);
    assert!(all > 56.1 && all <= 60.0, "{all} s are left of 60, as no clock tells how much time went by");
    pass(OFF);
    member.is_restarted();
    let less = left(&member);
    assert!(
        less <= all - OFF.as_secs_f64() && less > 30.0,
        "{less} s: from then on, this boot's clock counts"
    );
}

/// The same: a container may have clocks of its own.
#[test]
fn clocks_of_another_container_tell_nothing() {
    let other_clocks = ["unshare", "--time", "--boottime", "1000000", "--fork", "--kill-child"];
    if !can(&other_clocks) {
        return;
    }
    let mut member = off();
    member.is_launched_by(&other_clocks);

    member.comes();

    assert!(left(&member) > 56.1);
}

/// Containers are made one after the other, and the kernel may know the second by the number of the first.
#[test]
fn a_clock_that_runs_ahead_after_a_restart_ends_no_lease() {
    let ahead = |seconds| ["unshare", "--time", "--boottime", seconds, "--fork", "--kill-child"];
    if !can(&ahead("1000")) {
        return;
    }
    let directory = folder().join("state");
    let mut member = Member::alone(&kept_in(&directory, P));
    member.is_launched_by(&ahead("1000"));
    member.is_restarted();
    let (status, _) = member.call("acquire", &json!({"host": "ann", "owner": "run1", "ttl": 60}));
    assert_eq!(status, 201);
    member.is_killed();
    eventually("the container has ended, too", || {
        Command::new("flock").arg("-n").arg(directory.join("lock")).arg("true").status().unwrap().success()
    });
    member.is_launched_by(&ahead("100000"));

    member.comes();

    assert!(left(&member) > 30.0);
}

#[test]
fn a_clock_without_a_name_is_a_new_one_at_every_start() {
    let script = "mount -t tmpfs none /proc/sys/kernel/random && exec \"$0\" \"$@\"";
    let nameless = ["unshare", "--mount", "sh", "-c", script];
    if !can(&nameless) {
        return;
    }
    let mut member = keeping(P);
    member.is_launched_by(&nameless);
    member.is_restarted();
    let (status, _) = member.call("acquire", &json!({"host": "ann", "owner": "run1", "ttl": 60}));
    assert_eq!(status, 201);
    member.is_killed();
    pass(OFF);

    member.comes();

    let left = left(&member);
    assert!(left > 56.1, "{left} s are left of 60, as no clock tells how much time went by");
    member.says("/proc/sys/kernel/random/boot_id: No such file");
}

/// Whether a program can be started so.
fn can(launcher: &[&str]) -> bool {
    let started = Command::new(launcher[0]).args(&launcher[1..]).arg("true").output();
    started.is_ok_and(|output| output.status.success())
}

#[test]
fn no_clock_on_the_wall_shortens_a_lease() {
    let clock = Clock::new();
    let directory = folder().join("state");
    let mut member = Member::alone_misled(&kept_in(&directory, P), clock);
    let (status, _) = member.call("acquire", &json!({"host": "ann", "owner": "run1", "ttl": 60}));
    assert_eq!(status, 201);
    for jump in ["+2d", "-2d"] {
        member.clock().is_wrong_by(jump);

        member.is_restarted();

        assert!(left(&member) > 30.0, "{jump}");
    }
}
