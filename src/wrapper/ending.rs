//! Outcomes of the wrapper and their exit statuses.

use std::process::ExitCode;

use rustix::process::WaitStatus;

use crate::program::exit_status;
use distributex_client::{ClientError, ErrorKind};

/// Outcome of the wrapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrapperOutcome {
    /// The command ended by itself, with this status.
    Exited(u8),
    /// This signal ended the command, or the waiting for a slot.
    Signalled(i32),
    /// Invalid command line or environment.
    Usage,
    /// The server could not be reached in time.
    Unreachable,
    /// The system refused something: the lock file, a descriptor.
    System,
    /// No slot in time, or the local lock is held; with the exit status to use.
    NoSlot(u8),
    /// Refused by the server: unknown pool, or host not allowed.
    Refused,
    /// The slot was lost, and the command was stopped.
    Lost,
    /// The command exceeded `--max-run`, and was stopped.
    Overrun,
    /// The command cannot be executed.
    NotExecutable,
    /// The command was not found.
    NotFound,
}

impl WrapperOutcome {
    /// The exit status: the command's own, a shell's for signals and missing commands, else one of `sysexits.h`.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Signalled(signal) => exit_status::of_signal(signal),
            Self::Usage => exit_status::USAGE,
            Self::Unreachable => exit_status::UNREACHABLE,
            Self::System => exit_status::SYSTEM,
            Self::NoSlot(status) => status,
            Self::Refused => exit_status::REFUSED,
            Self::Lost => exit_status::LOST,
            Self::Overrun => exit_status::OVERRUN,
            Self::NotExecutable => exit_status::NOT_EXECUTABLE,
            Self::NotFound => exit_status::NOT_FOUND,
        }
    }

    /// The outcome as a word, for the status file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Signalled(_) => "signalled",
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
            Self::System => "system",
            Self::NoSlot(_) => "no_slot",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::Overrun => "overrun",
            Self::NotExecutable => "not_executable",
            Self::NotFound => "not_found",
        }
    }

    /// The exit status that is reported to the server: that of a command whose end is known.
    pub(super) fn of_command(self) -> Option<u8> {
        match self {
            Self::Exited(_) | Self::Signalled(_) | Self::Overrun | Self::NotExecutable | Self::NotFound => {
                Some(self.code())
            }
            Self::Usage | Self::Unreachable | Self::System | Self::NoSlot(_) | Self::Refused | Self::Lost => {
                None
            }
        }
    }

    /// The outcome of an error while acquiring, with the exit status to use without a slot.
    pub(super) fn without(error: &ClientError, conflict_status: u8) -> Self {
        match error {
            ClientError::Refused { refusal, .. } if refusal.kind == ErrorKind::Internal => Self::Unreachable,
            ClientError::Refused { refusal, .. } if refusal.kind.is_transient() => {
                Self::NoSlot(conflict_status)
            }
            ClientError::Refused { .. } => Self::Refused,
            ClientError::Unreachable { .. }
            | ClientError::Broken { .. }
            | ClientError::Silent { .. }
            | ClientError::Strange { .. }
            | ClientError::NoV1 { .. }
            | ClientError::OtherStore { .. }
            | ClientError::NoServer => Self::Unreachable,
            ClientError::NoChance { .. } => Self::System,
        }
    }

    /// The outcome of a child's end. `None` if it only stopped.
    pub(super) fn of_child(status: WaitStatus) -> Option<Self> {
        let exited = status.exit_status().map(|status| Self::Exited(u8::try_from(status).unwrap_or(u8::MAX)));
        exited.or_else(|| status.terminating_signal().map(Self::Signalled))
    }
}

impl From<WrapperOutcome> for ExitCode {
    fn from(ending: WrapperOutcome) -> Self {
        Self::from(ending.code())
    }
}
