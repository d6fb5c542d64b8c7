//! A guard without a wrapper, and something for it to guard.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::{
    process::{Pid, Signal, WaitOptions, kill_process_group, waitpid},
    time::{ClockId, clock_gettime},
};

/// What makes a guard of the program.
pub(super) const NAME: &str = "dx-guard of p";
/// A guard that was started.
#[derive(Debug)]
pub(super) struct Guard {
    /// The process; its input is the pipe.
    pub(super) child: Child,
}

/// What is guarded: a process group. Killed when it goes out of scope.
#[derive(Debug)]
pub(super) struct Group {
    /// Its first process.
    pub(super) child: Child,
    /// What it writes.
    stdout: BufReader<ChildStdout>,
}

impl Guard {
    /// Starts one that knows nothing yet.
    pub(super) fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributex"));
        command.arg0(NAME).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.stdin(Stdio::piped()).spawn().unwrap() }
    }

    /// Guards this group: KILL comes so long after now, TERM a grace before that.
    pub(super) fn of(group: &Group, kill: Duration, grace: Duration) -> Self {
        let mut guard = Self::start();
        guard.tell_deadline(kill, grace);
        guard.tell([2, u64::from(group.child.id()), 0]);
        guard
    }

    /// A new deadline.
    pub(super) fn tell_deadline(&mut self, kill: Duration, grace: Duration) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap();
        self.tell([1, nanos(now() + kill), nanos(grace)]);
    }

    /// Nothing is left to guard.
    pub(super) fn tell_done(&mut self) {
        self.tell([3, 0, 0]);
    }

    fn tell(&mut self, record: [u64; 3]) {
        let bytes = record.map(u64::to_le_bytes).concat();
        self.child.stdin.as_mut().unwrap().write_all(&bytes).unwrap();
    }

    /// As when the wrapper is killed.
    pub(super) fn hears_no_more(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Its exit status.
    pub(super) fn end(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// Its number.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Group {
    /// Runs a script in a group of its own, to its first line.
    pub(super) fn start(script: &str) -> Self {
        let mut command = Command::new("/bin/sh");
        let mut child = command.args(["-c", script]).process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut group = Self { child, stdout };
        assert_eq!(group.line(), "ready");
        group
    }

    /// The next line it writes; nothing at its end.
    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What ended its first process, when all of it that wrote something is gone.
    pub(super) fn ended_by(&mut self) -> Option<i32> {
        self.stdout.read_to_end(&mut Vec::new()).unwrap();
        self.child.wait().unwrap().signal()
    }

    /// Stops all of it, and returns when it stands still.
    pub(super) fn freeze(&self) {
        kill_process_group(self.pid(), Signal::STOP).unwrap();
        waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap();
    }

    /// Its number.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The time on the guard's clock.
pub(super) fn now() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
}
