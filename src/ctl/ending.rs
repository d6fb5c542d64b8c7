//! How the tool can end, and the exit status that says so.

use std::process::ExitCode;

use distributex_client::{ClientError, ErrorKind};

/// Every way the tool can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CtlOutcome {
    /// It is done.
    Done,
    /// The options make no sense.
    Usage,
    /// No server could be reached, or only one of another store or without the v1 protocol.
    Unreachable,
    /// The system refused something: a file, the standard output.
    System,
    /// No slot in the time there was.
    NoSlot,
    /// The server knows no such pool, does not give its slots to this host, or wants a key.
    Refused,
    /// The server's configuration file is bad: it goes on as before.
    Configuration,
    /// The lease is lost; or nobody has the token or the ticket that was named.
    Lost,
    /// This signal ended the waiting for a slot, or the looking.
    Signalled(i32),
}

impl CtlOutcome {
    /// The exit status: a shell's for signals, else as the wrapper's.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 64,
            Self::Unreachable => 69,
            Self::System => 71,
            Self::NoSlot => 75,
            Self::Refused => 77,
            Self::Configuration => 78,
            Self::Lost => 79,
            Self::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }

    /// What an error means for who looks at a pool, or has a lease.
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

    /// What an error means for who asks for a slot.
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
