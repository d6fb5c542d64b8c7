//! Job control: which process group reads the terminal, and who stops with whom.
//!
//! A job of an interactive shell is stopped, continued and brought to the foreground as one. The command
//! has a group of its own, so the wrapper stands for it before the shell.

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

/// The terminal that controls our session, and the command's part in it.
#[derive(Debug, Clone)]
pub(super) struct Terminal {
    /// The terminal.
    device: Arc<File>,
    /// Our own process group: the job as the shell knows it.
    job: Pid,
    /// The command's process group.
    group: Pid,
    /// Whether the command is to have the foreground when the job has it.
    shared: bool,
}

impl Terminal {
    /// The terminal, if there is one, and our job has a number here: one that began outside of our container is 0.
    pub(super) fn open() -> Option<Self> {
        let job = Pid::from_raw(getpgrp().as_raw())?;
        let device = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let shared = io::stdin().is_terminal() && !in_pipeline();
        Some(Self { device: Arc::new(device), job, group: job, shared })
    }

    /// The same for a child that becomes a command, if that is to have the foreground.
    pub(super) fn for_child(&self) -> Option<Self> {
        self.shared.then(|| self.clone())
    }

    /// Takes the foreground for this process's group, if it is the job's to give. Called between fork and exec,
    /// so that a command never finds itself in the background for a moment. Only makes system calls.
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

    /// Gives the foreground to the command, if it is the job's to give.
    pub(super) fn share(&self) {
        if self.shared && self.is_with(self.job) {
            self.set_foreground(self.group);
        }
    }

    /// Gives the foreground to a command that stopped because it needs it. False if it is not ours to give.
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

    /// A group in the background may do this only while it does not feel SIGTTOU.
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

/// Stops our job until the shell continues it. SIGTTIN is the stop we have no handler for; unlike SIGSTOP it
/// does nothing where no shell is left that could continue us.
pub(super) fn suspend() {
    let _ = kill_current_process_group(Signal::TTIN);
}

/// Whether others in our job may be reading the terminal, as the pager in `distributex … | less`.
fn in_pipeline() -> bool {
    fstat(io::stdout().as_fd()).is_ok_and(|stat| {
        let kind = FileType::from_raw_mode(stat.st_mode);
        kind.is_fifo() || kind == FileType::Socket
    })
}
