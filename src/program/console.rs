//! What a program says on stderr: one line if something is wrong, more only if it was asked to.

use std::{
    fmt::{self, Arguments, Display},
    io::{self, IsTerminal as _},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{stderr, text::clean};

/// What was said last. There is one standard error, so there is one of this.
static LAST_SAID: Mutex<Option<String>> = Mutex::new(None);

/// Says things; never fails, as nobody is left to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// Whose it is; every line begins with it.
    pub(crate) program: &'static str,
    /// Also says what goes well.
    pub(crate) verbose: bool,
}

impl Console {
    /// Says what somebody has to know.
    pub(crate) fn error(self, text: Arguments<'_>) {
        *LAST_SAID.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_string());
        self.write(text);
    }

    /// Says what is going on, if that is wanted.
    pub(crate) fn verbose(self, text: Arguments<'_>) {
        if self.verbose {
            self.write(text);
        }
    }

    /// Says how it goes, if somebody watches.
    pub(crate) fn progress(self, text: Arguments<'_>) {
        if self.verbose || io::stderr().is_terminal() {
            self.write(text);
        }
    }

    /// What somebody had to know, if anything.
    pub(crate) fn last_said(self) -> Option<String> {
        LAST_SAID.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One write, so that lines of several runs do not mix in one log. What a server said may stand in it, so all of
    /// it is cleaned.
    fn write(self, text: Arguments<'_>) {
        stderr::write(format!("{}: {}\n", self.program, clean(&text.to_string())));
    }
}

/// A time in seconds as people write it: no more than three decimals, and none that say nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DisplaySeconds(pub(crate) Duration);

impl DisplaySeconds {
    /// The time since then, in whole tenths of a second.
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
