//! Starting the command so that there is no moment in which it runs unguarded.
//!
//! ```text
//!  fork ─► a group of its own ─► there is time ─► the guard knows it ─► the terminal is its own ─► exec
//! ```
//! The steps between fork and exec are done by the child itself. If the wrapper is killed before one of them,
//! the child goes on to its end, and the guard then hears that the wrapper is gone: the child holds the pipe
//! open until exec closes it. Whether there is time is not left to the guard alone: a wrapper that was stopped,
//! or kept from saying that it has its slot, may go on when the slot is somebody else's, and exec may be quicker
//! than a guard that has just been started.

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

/// The error of a command that came too late. No exec ends with it.
pub(super) const DEADLINE_PASSED: Errno = Errno::KEYEXPIRED;

/// Starts the command in a group of its own, which its guard, if it has one, knows and which has the
/// terminal's foreground, if it is the job's to give. A guard comes with the way to tell it, and with what it
/// was told.
///
/// # Errors
/// [`io::ErrorKind::BrokenPipe`] if the guard is gone, [`DEADLINE_PASSED`] if it would stop the command at once: then
/// nothing was run. Others as usual.
pub(super) fn spawn(
    mut command: Command,
    guard: Option<(PipeWriter, Deadline)>,
    terminal: Option<Terminal>,
) -> io::Result<Child> {
    command.process_group(0); // done before `prepare`
    if guard.is_none() && terminal.is_none() {
        return command.spawn(); // std knows a quicker way if nothing is to be prepared
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

/// Tells the guard of this process's group. A pipe that nobody reads shall be an error, not a signal.
fn report(pipe: &PipeWriter) -> io::Result<()> {
    let felt = SigSet::from(Signal::SIGPIPE);
    felt.thread_block()?;
    let written = write(pipe, &GuardRecord::Group(getpid()).to_bytes())?;
    felt.thread_unblock()?;
    if written == SIZE { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// Whether there is time to run.
fn in_time(deadline: Deadline) -> io::Result<()> {
    if deadline.is_due() { Err(DEADLINE_PASSED.into()) } else { Ok(()) }
}
