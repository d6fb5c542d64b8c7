//! The command to run: a line for the shell, or a program with its arguments.

use std::{ffi::OsString, io, process::Command};

use super::WrapperOutcome;
use crate::program::console::Console;

/// Command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A line for the shell.
    Shell(OsString),
    /// A program and its arguments.
    Direct(Vec<OsString>),
}

impl Task {
    /// A single word is for the shell, unless preceded by `--` on the command line.
    pub(super) fn read(line: &[OsString], words: Vec<OsString>) -> Result<Self, &'static str> {
        match words.as_slice() {
            [] => Err("the command is missing"),
            [first, ..] if first.is_empty() => Err("the command is empty"),
            [only] if line.iter().rev().nth(1).is_none_or(|before| before != "--") => {
                Ok(Self::Shell(only.clone()))
            }
            _ => Ok(Self::Direct(words)),
        }
    }

    /// The process to start. The shell is always /bin/sh, so that cron and people get the same.
    pub(super) fn command(&self) -> Command {
        let (program, arguments) = match self {
            Self::Shell(line) => ("/bin/sh".into(), vec!["-c".into(), line.clone()]),
            Self::Direct(words) => (words[0].clone(), words[1..].to_vec()),
        };
        let mut command = Command::new(program);
        command.args(arguments);
        command
    }

    /// Reports why it could not be started.
    pub(super) fn not_started(&self, error: &io::Error, console: Console) -> WrapperOutcome {
        console.error(format_args!("cannot execute {:?}: {error}", self.command().get_program()));
        if error.kind() == io::ErrorKind::NotFound {
            WrapperOutcome::NotFound
        } else {
            WrapperOutcome::NotExecutable
        }
    }
}
