//! What goes to the standard output.

use std::io::{self, ErrorKind, Write as _};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fstat, major, minor},
};

use super::CtlOutcome;
use crate::program::console::Console;

/// Prints this.
///
/// # Errors
/// When nobody takes it: a full disk, or a reader that is gone.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Shows this to whoever looks at it. Who has seen enough, as `head`, may go.
pub(super) fn show(text: &str, console: Console) -> Result<(), CtlOutcome> {
    match print(text) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            console.error(format_args!("cannot write to the standard output: {error}"));
            Err(CtlOutcome::System)
        }
    }
}

/// Whether it is a pipe that nobody reads any more. A file or a terminal takes everything.
pub(super) fn is_closed() -> bool {
    let output = io::stdout();
    let mut output = [PollFd::new(&output, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut output, Some(&at_once)).is_ok() && output[0].revents().contains(PollFlags::ERR)
}

/// Whether the program was started without a standard output. Rust then opens the null device in its place, for reading
/// and writing; who sends output there on purpose opens it for writing only.
pub(super) fn was_missing() -> bool {
    let output = io::stdout();
    let is_null = fstat(&output).is_ok_and(|file| (major(file.st_rdev), minor(file.st_rdev)) == (1, 3));
    is_null && fcntl_getfl(&output).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
}

/// A JSON document, with the line's end that a terminal wants.
pub(super) fn document(json: &str) -> String {
    format!("{}\n", json.trim_end())
}
