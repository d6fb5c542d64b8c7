//! Starting the command so that nothing is still to be arranged when it begins.
//!
//! ```text
//!  fork ─► a group of its own ─► the terminal is its own ─► exec: now it is the command
//! ```
//! The steps between fork and exec are done by the child itself.

#![expect(
    unsafe_code,
    reason = "std cannot check what runs between fork and exec: it must be safe in a signal handler"
)]

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Child, Command},
};

use super::terminal::Terminal;

/// Starts the command in a group of its own, which has the terminal's foreground, if it is the job's to give.
pub(super) fn spawn(mut command: Command, terminal: Option<Terminal>) -> io::Result<Child> {
    command.process_group(0); // done before `prepare`
    if terminal.is_none() {
        return command.spawn(); // std knows a quicker way if nothing is to be prepared
    }
    let prepare = move || {
        terminal.iter().for_each(Terminal::take_for_child);
        Ok(())
    };
    // SAFETY: `prepare` runs in the child after fork. It only makes system calls (getpid, ioctl, rt_sigprocmask)
    // through functions that neither allocate nor lock nor panic: the signal sets work on the stack.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}
