//! Ctrl-C and Ctrl-\ on a terminal. A shell script ends at them only if it receives them and the program it
//! waits for dies of the same signal: one that catches it and exits with 130 lets the script continue. So the
//! wrapper dies as its command did.

use std::{os::unix::process::CommandExt as _, process::Command};

use rustix::process::Signal;

use super::{WrapperOutcome, terminal::Terminal};

/// Signals that a terminal sends to end a job, with their names for `kill`.
const TYPED: [(Signal, &str); 2] = [(Signal::INT, "INT"), (Signal::QUIT, "QUIT")];

/// A signal from the terminal that this process must die of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interrupt {
    /// Its name.
    signal: &'static str,
    /// The exit status with the same meaning.
    status: u8,
    /// Whether the terminal sent it to the command alone: then the rest of the job, such as a script, must get it too.
    is_for_job: bool,
}

impl Interrupt {
    /// The interrupt behind the end of a command. `is_passed_on`: the wrapper received the signal first, so
    /// the rest of the job did too.
    pub(super) fn of_command(
        ending: WrapperOutcome,
        terminal: &Terminal,
        is_passed_on: bool,
    ) -> Option<Self> {
        let came_from_terminal = if is_passed_on { terminal.is_ours() } else { terminal.is_with_command() };
        Self::new(ending, !is_passed_on).filter(|_| came_from_terminal)
    }

    /// The interrupt behind a signal that arrived before the command was started.
    pub(super) fn of_waiting(ending: WrapperOutcome) -> Option<Self> {
        Self::new(ending, false).filter(|_| Terminal::open().is_some_and(|terminal| terminal.is_ours()))
    }

    fn new(ending: WrapperOutcome, is_for_job: bool) -> Option<Self> {
        let WrapperOutcome::Signalled(number) = ending else { return None };
        let (_, signal) = TYPED.into_iter().find(|(signal, _)| signal.as_raw() == number)?;
        Some(Self { signal, status: ending.code(), is_for_job })
    }

    /// Dies of it. Replaces this program by one without handlers. Returns if there is no such program.
    pub(super) fn die(self) {
        let Self { signal, status, is_for_job } = self;
        let target = if is_for_job { "0" } else { "$$" };
        let line = format!("kill -{signal} {target}; exit {status}"); // an ignored signal kills nothing
        let _ = Command::new("/bin/sh").args(["-c", &line]).exec();
    }
}
