//! Messages of a program on standard error.

use std::{
    fmt::{self, Arguments, Display},
    io::{self, IsTerminal as _},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{stderr, text::clean};

/// The last error message. Static, like standard error itself.
static LAST_SAID: Mutex<Option<String>> = Mutex::new(None);

/// Writer of messages. Errors of writing are ignored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// Name of the program, at the start of each line.
    pub(crate) program: &'static str,
    /// Whether to write verbose messages.
    pub(crate) verbose: bool,
}

impl Console {
    /// Writes an error or warning.
    pub(crate) fn error(self, text: Arguments<'_>) {
        *LAST_SAID.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_string());
        self.write(text);
    }

    /// Writes a message if verbose.
    pub(crate) fn verbose(self, text: Arguments<'_>) {
        if self.verbose {
            self.write(text);
        }
    }

    /// Writes a progress message, if verbose or on a terminal.
    pub(crate) fn progress(self, text: Arguments<'_>) {
        if self.verbose || io::stderr().is_terminal() {
            self.write(text);
        }
    }

    /// The last error message, if any.
    pub(crate) fn last_said(self) -> Option<String> {
        LAST_SAID.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a line at once, so that lines of several processes do not mix. The text may come from a server, so it is
    /// made safe for terminals.
    fn write(self, text: Arguments<'_>) {
        stderr::write(format!("{}: {}\n", self.program, clean(&text.to_string())));
    }
}

/// Formats seconds with at most three decimals, without trailing zeros.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DisplaySeconds(pub(crate) Duration);

impl DisplaySeconds {
    /// The time since `started`, in tenths of a second.
    pub(crate) fn since(started: Instant) -> Self {
        let elapsed = started.elapsed();
        Self(Duration::new(elapsed.as_secs(), elapsed.subsec_millis() / 100 * 100_000_000))
    }
}

impl Display for DisplaySeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.3}", self.0.as_secs_f64());
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_no_needless_zeros() {
        let shown = |millis| DisplaySeconds(Duration::from_millis(millis)).to_string();

        assert_eq!([shown(30_000), shown(1_500), shown(7), shown(0)], ["30", "1.5", "0.007", "0"]);
    }
}
