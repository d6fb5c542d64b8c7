//! Job control: the foreground process group of the terminal, and stops of the job.
//!
//! An interactive shell stops, continues and foregrounds a job as one. The command has its own process group,
//! so the wrapper represents it before the shell.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    os::fd::AsFd as _,
    sync::Arc,
};

use nix::{
    sys::signal::{SigSet, Signal as Kind},
    unistd::getpgrp,
};
use rustix::{
    fs::{FileType, fstat},
    process::{Pid, Signal, getpid, kill_current_process_group, test_kill_process_group},
    termios::{tcgetpgrp, tcsetpgrp},
};

/// The controlling terminal of the session, and the command's part in it.
#[derive(Debug, Clone)]
pub(super) struct Terminal {
    /// The terminal.
    device: Arc<File>,
    /// This program's process group: the job, as the shell knows it.
    job: Pid,
    /// The command's process group.
    group: Pid,
    /// Whether the command gets the foreground when the job has it.
    shared: bool,
}

impl Terminal {
    /// The terminal, if there is one, and the job has a number here: one that began outside of the container is 0.
    pub(super) fn open() -> Option<Self> {
        let job = Pid::from_raw(getpgrp().as_raw())?;
        let device = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let shared = io::stdin().is_terminal() && !in_pipeline();
        Some(Self { device: Arc::new(device), job, group: job, shared })
    }

    /// The same for the child that becomes a command, if that gets the foreground.
    pub(super) fn for_child(&self) -> Option<Self> {
        self.shared.then(|| self.clone())
    }

    /// Takes the foreground for this process's group, if the job has it. Called between fork and exec, so
    /// that a command is never in the background for a moment. Only makes system calls.
    pub(super) fn take_for_child(&self) {
        if self.is_with(self.job) {
            self.set_foreground(getpid());
        }
    }

    /// The same for a command that was just started.
    pub(super) fn shared_with(self, group: Pid) -> Self {
        let terminal = Self { group, ..self };
        terminal.share();
        terminal
    }

    /// Gives the foreground to the command, if the job has it.
    pub(super) fn share(&self) {
        if self.shared && self.is_with(self.job) {
            self.set_foreground(self.group);
        }
    }

    /// Gives the foreground to a command that stopped because it needs it. False if the job does not have it.
    pub(super) fn share_on_demand(&mut self) -> bool {
        self.shared = true;
        self.share();
        self.is_with(self.group)
    }

    /// Takes the foreground back from the command, or from a group that is gone.
    pub(super) fn take_back(&self) {
        let Ok(front) = tcgetpgrp(&self.device) else {
            return;
        };
        if front == self.group || (front != self.job && test_kill_process_group(front).is_err()) {
            self.set_foreground(self.job);
        }
    }

    /// Whether the command is in the foreground, also when nothing of it is left.
    pub(super) fn is_with_command(&self) -> bool {
        self.group != self.job && self.is_with(self.group)
    }

    /// Whether the job is in the foreground.
    pub(super) fn is_ours(&self) -> bool {
        self.is_with(self.job)
    }

    /// Sets the foreground group; a group in the background may do so only while SIGTTOU is blocked.
    fn set_foreground(&self, group: Pid) {
        let felt = SigSet::from(Kind::SIGTTOU);
        if felt.thread_block().is_ok() {
            let _ = tcsetpgrp(&self.device, group);
            let _ = felt.thread_unblock();
        }
    }

    fn is_with(&self, group: Pid) -> bool {
        tcgetpgrp(&self.device).is_ok_and(|front| front == group)
    }
}

/// Stops the job until the shell continues it. SIGTTIN is the stop without a handler here; unlike SIGSTOP, it
/// does nothing where no shell is left that could continue the job.
pub(super) fn suspend() {
    let _ = kill_current_process_group(Signal::TTIN);
}

/// Whether others in the job may be reading the terminal, as the pager in `distributex … | less`.
fn in_pipeline() -> bool {
    fstat(io::stdout().as_fd()).is_ok_and(|stat| {
        let kind = FileType::from_raw_mode(stat.st_mode);
        kind.is_fifo() || kind == FileType::Socket
    })
}
