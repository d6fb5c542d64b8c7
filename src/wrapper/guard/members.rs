//! Processes left in a process group.

use std::fs;

use nix::unistd::{self, getsid};
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process_group},
};

/// Whether the group is gone, including processes that ended and were not reaped. Also if its number was reused by a
/// group of another session: a group never leaves its session. A session that began outside of this container is 0,
/// which nix reports and rustix cannot.
pub(super) fn is_gone(group: Pid) -> bool {
    let first = unistd::Pid::from_raw(group.as_raw_pid());
    let is_foreign = getsid(Some(first)).is_ok_and(|session| Ok(session) != getsid(None));
    is_foreign || test_kill_process_group(group) == Err(Errno::SRCH)
}

/// Whether a process of the group is still running. Ended ones stay in the group until they are reaped, and a stopped
/// wrapper does not reap. If the system does not say, they run.
pub(super) fn is_alive(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        return true;
    };
    let group = group.as_raw_nonzero().to_string();
    processes
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit))
        .filter_map(|entry| fs::read(entry.path().join("stat")).ok())
        .any(|stat| runs_in(&String::from_utf8_lossy(&stat), &group))
}

/// Whether a process with this `stat` belongs to the group and has not ended; see proc_pid_stat(5).
fn runs_in(stat: &str, group: &str) -> bool {
    // The second field is a name that may contain anything, but the fields after it have no bracket.
    let Some((_, fields)) = stat.rsplit_once(") ") else {
        return false;
    };
    let field = |number: usize| fields.split_ascii_whitespace().nth(number - 3);
    let has_ended = matches!(field(3), Some("Z" | "X")) && field(20) == Some("1"); // else its first thread has
    field(5) == Some(group) && !has_ended
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::CommandExt as _, process::Command};

    use rustix::process::{WaitId, WaitIdOptions, waitid};

    use super::*;

    #[test]
    fn a_stat_says_who_runs_in_a_group() {
        let stat = |state: &str, threads: u8| {
            let unused = "1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0";
            format!("42 (a) 1 (b) {state} 7 4711 {unused} {threads} 0 99")
        };

        assert!(runs_in(&stat("S", 1), "4711"));
        assert!(!runs_in(&stat("S", 1), "7"));
        assert!(runs_in(&stat("T", 1), "4711"), "a stopped one");
        assert!(!runs_in(&stat("Z", 1), "4711"));
        assert!(runs_in(&stat("Z", 2), "4711"), "a program whose first thread ended");
        assert!(!runs_in("", "4711"));
    }

    #[test]
    fn a_group_is_alive_until_it_is_killed_and_gone_when_its_parent_has_looked() {
        let mut child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let group = Pid::from_child(&child);
        assert!(is_alive(group) && !is_gone(group));

        child.kill().unwrap();
        waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        assert!(!is_alive(group) && !is_gone(group), "its parent has not looked");

        child.wait().unwrap();
        assert!(!is_alive(group) && is_gone(group));
    }
}
