//! Exit statuses of the programs. Those below 79 are from `sysexits.h`.
//!
//! A server whose pool actor or store thread panics ends with 70 (`EX_SOFTWARE`); that one is set where it happens,
//! in the crate `distributex-actors`.

/// Wrong usage (`EX_USAGE`).
pub(crate) const USAGE: u8 = 64;
/// The server is unreachable, or the servers do not share a store (`EX_UNAVAILABLE`).
pub(crate) const UNREACHABLE: u8 = 69;
/// The system refused something, such as a file, a descriptor or a process (`EX_OSERR`).
pub(crate) const SYSTEM: u8 = 71;
/// No slot, by default (`EX_TEMPFAIL`).
pub(crate) const NO_SLOT: u8 = 75;
/// Refused: unknown pool, host or key not allowed (`EX_NOPERM`).
pub(crate) const REFUSED: u8 = 77;
/// Invalid configuration of the server (`EX_CONFIG`).
pub(crate) const CONFIGURATION: u8 = 78;
/// The lease was lost. Also the status of a guard that stopped the command.
pub(crate) const LOST: u8 = 79;
/// `--max-run` was exceeded; the same as timeout(1).
pub(crate) const OVERRUN: u8 = 124;
/// The command cannot be executed; the same as a shell.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// The command was not found; the same as a shell.
pub(crate) const NOT_FOUND: u8 = 127;

/// The status of a process that was ended by this signal, as a shell reports it.
pub(crate) fn of_signal(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}
