//! Start of a command, after the start of its guard.

use std::{io, process::Command};

use rustix::process::{Pid, Signal, getpid, set_child_subreaper};
use tokio::time::Instant;

use super::{POLL_INTERVALS, RunningCommand};
use crate::program::{console::Console, signals::Signals};
use crate::wrapper::{
    guard::Guard,
    limits::RunLimits,
    local_lock::LocalLock,
    spawn::{DEADLINE_PASSED, spawn},
    terminal::Terminal,
};

/// Reason why a command could not be started.
#[derive(Debug)]
pub(in crate::wrapper) enum NotStarted {
    /// Its guard could not be started.
    Unguarded(io::Error),
    /// Its slot was lost before.
    Late,
    /// It cannot be executed.
    Command(io::Error),
}

impl RunningCommand {
    /// Starts the command, after its guard. The guard also keeps the local lock: if the wrapper is killed,
    /// the lock is released only when the command is dead.
    pub(in crate::wrapper) fn start(
        command: Command,
        mut limits: RunLimits,
        lock: Option<&LocalLock>,
        signals: &mut Signals,
        console: Console,
    ) -> Result<Self, NotStarted> {
        signals.watch_job().map_err(NotStarted::Command)?;
        // Orphans of the group become our children, so that their ends are reported at once.
        if limits.wait_group {
            let _ = set_child_subreaper(Some(getpid()));
        }
        let deadline = limits.guarded_until();
        let guard = deadline.map(|deadline| Guard::start(&limits.pool, deadline, lock));
        let mut guard = guard.transpose().map_err(NotStarted::Unguarded)?;
        let pipe = guard.as_ref().map(Guard::pipe).transpose().map_err(NotStarted::Unguarded)?;
        let terminal = Terminal::open();
        let child = spawn(command, pipe.zip(deadline), terminal.as_ref().and_then(Terminal::for_child))
            .map_err(|error| {
                guard.iter_mut().for_each(Guard::dismiss);
                terminal.iter().for_each(Terminal::take_back); // the child may have had it
                if error.raw_os_error() == Some(DEADLINE_PASSED.raw_os_error()) {
                    NotStarted::Late
                } else if error.kind() == io::ErrorKind::BrokenPipe {
                    NotStarted::Unguarded(error)
                } else {
                    NotStarted::Command(error)
                }
            })?;
        let group = Pid::from_child(&child);
        guard.iter_mut().for_each(|guard| guard.guards(group));
        Ok(Self {
            group,
            terminal: terminal.map(|terminal| terminal.shared_with(group)),
            ended: None,
            passed_on: None,
            interrupt: None,
            look: POLL_INTERVALS.0,
            due: limits.max_run.map(|time| (Instant::now() + time, Signal::TERM)),
            limits,
            guard,
            stopped: None,
            is_killing: false,
            loss: None,
            console,
        })
    }
}
