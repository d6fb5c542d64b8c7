//! Start of the command without a moment in which it runs unguarded.
//!
//! ```text
//!  fork ─► own process group ─► time left? ─► group reported to the guard ─► terminal ─► exec
//! ```
//! The child itself performs the steps between fork and exec. If the wrapper is killed before one of them,
//! the child continues, and the guard notices afterwards that the wrapper is gone: the child holds the pipe
//! open until exec closes it. The time left is not left to the guard alone: a wrapper that was stopped may
//! continue when the slot has another holder, and exec may be faster than a guard that has just been started.

#![expect(
    unsafe_code,
    reason = "std cannot check what runs between fork and exec: it must be safe in a signal handler"
)]

use std::{
    io::{self, PipeWriter},
    os::unix::process::CommandExt as _,
    process::{Child, Command},
};

use nix::sys::signal::{SigSet, Signal};
use rustix::{
    io::{Errno, write},
    process::getpid,
};

use super::{
    deadline::Deadline,
    guard::{GuardRecord, SIZE},
    terminal::Terminal,
};

/// Error of a command whose deadline has passed. No exec fails with it.
pub(super) const DEADLINE_PASSED: Errno = Errno::KEYEXPIRED;

/// Starts the command in its own process group, which is reported to its guard, if it has one, and which gets
/// the terminal's foreground, if the job has it.
///
/// # Errors
/// [`io::ErrorKind::BrokenPipe`] if the guard is gone, [`DEADLINE_PASSED`] if it would stop the command at once: then
/// nothing was run. Others are those of the system.
pub(super) fn spawn(
    mut command: Command,
    guard: Option<(PipeWriter, Deadline)>,
    terminal: Option<Terminal>,
) -> io::Result<Child> {
    command.process_group(0); // done before `prepare`
    if guard.is_none() && terminal.is_none() {
        return command.spawn(); // std has a faster way if there is nothing to prepare
    }
    let prepare = move || {
        if let Some((pipe, deadline)) = &guard {
            in_time(*deadline)?;
            report(pipe)?;
        }
        terminal.iter().for_each(Terminal::take_for_child);
        Ok(())
    };
    // SAFETY: `prepare` runs in the child after fork. It only makes system calls (clock_gettime, getpid, write,
    // ioctl, rt_sigprocmask) through functions that neither allocate nor lock nor panic: `Record::to_bytes` and
    // the signal sets work on the stack, and an error is made of its number alone.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}

/// Reports this process's group to the guard. A pipe without a reader must be an error, not a signal.
fn report(pipe: &PipeWriter) -> io::Result<()> {
    let felt = SigSet::from(Signal::SIGPIPE);
    felt.thread_block()?;
    let written = write(pipe, &GuardRecord::Group(getpid()).to_bytes())?;
    felt.thread_unblock()?;
    if written == SIZE { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// Checks that the deadline has not passed.
fn in_time(deadline: Deadline) -> io::Result<()> {
    if deadline.is_due() { Err(DEADLINE_PASSED.into()) } else { Ok(()) }
}
