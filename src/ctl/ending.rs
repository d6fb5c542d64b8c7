//! Outcomes of the operator's tool and their exit statuses.

use std::process::ExitCode;

use crate::program::exit_status;
use distributex_client::{ClientError, ErrorKind};

/// Outcome of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CtlOutcome {
    /// Success.
    Done,
    /// Invalid command line or environment.
    Usage,
    /// No server was reached, or only one with another store or without the v1 protocol.
    Unreachable,
    /// The system refused something: a file, standard output.
    System,
    /// No slot within the time limit.
    NoSlot,
    /// Refused by the server: unknown pool, host not allowed, key missing or unknown.
    Refused,
    /// The server's configuration file is invalid; the server continues with the previous one.
    Configuration,
    /// The lease was lost, or no lease has the given token, or no waiter the given ticket.
    Lost,
    /// This signal ended the waiting or the display.
    Signalled(i32),
}

impl CtlOutcome {
    /// The exit status; 128 plus the signal's number for signals.
    #[must_use]
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => exit_status::USAGE,
            Self::Unreachable => exit_status::UNREACHABLE,
            Self::System => exit_status::SYSTEM,
            Self::NoSlot => exit_status::NO_SLOT,
            Self::Refused => exit_status::REFUSED,
            Self::Configuration => exit_status::CONFIGURATION,
            Self::Lost => exit_status::LOST,
            Self::Signalled(signal) => exit_status::of_signal(signal),
        }
    }

    /// The outcome of an error, except while acquiring.
    pub(super) fn of(error: &ClientError) -> Self {
        match error.refusal().map(|refusal| refusal.kind) {
            Some(ErrorKind::LeaseLost) => Self::Lost,
            Some(kind) if kind.is_server_unavailable() => Self::Unreachable,
            Some(kind) if kind.is_transient() => Self::NoSlot,
            Some(_) => Self::Refused,
            None if matches!(error, ClientError::NoChance { .. }) => Self::System,
            None => Self::Unreachable,
        }
    }

    /// The outcome of an error while acquiring.
    pub(super) fn without_slot(error: &ClientError) -> Self {
        match error.refusal().map(|refusal| refusal.kind) {
            Some(kind) if kind != ErrorKind::Internal && kind.is_transient() => Self::NoSlot,
            Some(_) | None => Self::of(error),
        }
    }
}

impl From<CtlOutcome> for ExitCode {
    fn from(ending: CtlOutcome) -> Self {
        Self::from(ending.code())
    }
}
