//! How a run can end, and the exit status that says so.

use std::process::ExitCode;

use rustix::process::WaitStatus;

use distributex_client::{ClientError, ErrorKind};

/// The status of «no slot», unless another was asked for: `EX_TEMPFAIL`.
pub(super) const NO_SLOT: u8 = 75;

/// Every way the wrapper can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrapperOutcome {
    /// The command ended by itself, with this status.
    Exited(u8),
    /// This signal ended the command, or the waiting for a slot.
    Signalled(i32),
    /// The options make no sense.
    Usage,
    /// The server could not be reached, and there was no more time to try.
    Unreachable,
    /// The system refused something the wrapper needs: its lock file, a descriptor.
    System,
    /// No slot in the time there was, or the local lock is held; the status to say so with.
    NoSlot(u8),
    /// The server knows no such pool, or does not give its slots to this host.
    Refused,
    /// The slot was lost, and the command was stopped.
    Lost,
    /// The command took longer than it may, and was stopped.
    Overrun,
    /// The command is there, but cannot be executed.
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
            Self::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
            Self::Usage => 64,
            Self::Unreachable => 69,
            Self::System => 71,
            Self::NoSlot(status) => status,
            Self::Refused => 77,
            Self::Lost => 79,
            Self::Overrun => 124,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        }
    }

    /// The same in a word, for programs that cannot tell whose a status is.
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

    /// The exit status that the server is told, if the command was to run and its end is known.
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

    /// What it means that there is no slot because of this; with the status for «no slot».
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

    /// What a child's end means. Nothing if it has not ended, only stopped.
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
