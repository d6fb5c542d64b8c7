//! Standard output.

use std::io::{self, ErrorKind, Write as _};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fstat, major, minor},
};

use super::CtlOutcome;
use crate::program::console::Console;

/// Prints text.
///
/// # Errors
/// When it cannot be written: a full disk, or a closed pipe.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Prints text for people. A closed pipe, as of `head`, is not an error.
pub(super) fn show(text: &str, console: Console) -> Result<(), CtlOutcome> {
    match print(text) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            console.error(format_args!("cannot write to standard output: {error}"));
            Err(CtlOutcome::System)
        }
    }
}

/// Whether standard output is a pipe without a reader.
pub(super) fn is_closed() -> bool {
    let output = io::stdout();
    let mut output = [PollFd::new(&output, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut output, Some(&at_once)).is_ok() && output[0].revents().contains(PollFlags::ERR)
}

/// Whether the program was started without a standard output. Rust then opens the null device in its place,
/// for reading and writing; a deliberate redirection opens it for writing only.
pub(super) fn was_missing() -> bool {
    let output = io::stdout();
    let is_null = fstat(&output).is_ok_and(|file| (major(file.st_rdev), minor(file.st_rdev)) == (1, 3));
    is_null && fcntl_getfl(&output).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
}

/// A JSON document with a final newline.
pub(super) fn document(json: &str) -> String {
    format!("{}\n", json.trim_end())
}
