//! Ctrl-C and Ctrl-\ on a terminal. A script ends at them only if they reach it, and if the program it waits for
//! dies of the same signal: one that catches it and exits with 130 means that the script is to go on. So the wrapper
//! dies as its command did.

use std::{os::unix::process::CommandExt as _, process::Command};

use rustix::process::Signal;

use super::{WrapperOutcome, terminal::Terminal};

/// The signals that a terminal sends to end a job, and what `kill` calls them.
const TYPED: [(Signal, &str); 2] = [(Signal::INT, "INT"), (Signal::QUIT, "QUIT")];

/// A signal from the terminal that this process has to die of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interrupt {
    /// Its name.
    signal: &'static str,
    /// The exit status that says the same.
    status: u8,
    /// Whether the terminal sent it to the command alone: then the rest of the job, as a script, is to get it too.
    is_for_job: bool,
}

impl Interrupt {
    /// What the end of a command tells. `is_passed_on`: the signal came to the wrapper first, so the rest of the job
    /// had it, too.
    pub(super) fn of_command(
        ending: WrapperOutcome,
        terminal: &Terminal,
        is_passed_on: bool,
    ) -> Option<Self> {
        let came_from_terminal = if is_passed_on { terminal.is_ours() } else { terminal.is_with_command() };
        Self::new(ending, !is_passed_on).filter(|_| came_from_terminal)
    }

    /// What a signal tells that came before there was a command.
    pub(super) fn of_waiting(ending: WrapperOutcome) -> Option<Self> {
        Self::new(ending, false).filter(|_| Terminal::open().is_some_and(|terminal| terminal.is_ours()))
    }

    fn new(ending: WrapperOutcome, is_for_job: bool) -> Option<Self> {
        let WrapperOutcome::Signalled(number) = ending else { return None };
        let (_, signal) = TYPED.into_iter().find(|(signal, _)| signal.as_raw() == number)?;
        Some(Self { signal, status: ending.code(), is_for_job })
    }

    /// Dies of it. A program that takes the place of this one feels the signal: handlers end there. Returns if there
    /// is no such program.
    pub(super) fn die(self) {
        let Self { signal, status, is_for_job } = self;
        let target = if is_for_job { "0" } else { "$$" };
        let line = format!("kill -{signal} {target}; exit {status}"); // an ignored signal kills nobody
        let _ = Command::new("/bin/sh").args(["-c", &line]).exec();
    }
}
