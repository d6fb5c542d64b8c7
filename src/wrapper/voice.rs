//! What the wrapper says on stderr: one line if something is wrong, more only if it was asked to.

use std::{
    fmt::{self, Arguments, Display},
    io::{self, IsTerminal as _, Write as _},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What was said last. There is one standard error, so there is one of this.
static LAST_SAID: Mutex<Option<String>> = Mutex::new(None);

/// Says things; never fails, as nobody is left to be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    /// Also says what goes well.
    pub(super) verbose: bool,
}

impl Voice {
    /// Says what somebody has to know.
    pub(super) fn say(self, text: Arguments<'_>) {
        *LAST_SAID.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_string());
        write(text);
    }

    /// Says what is going on, if that is wanted.
    pub(super) fn note(self, text: Arguments<'_>) {
        if self.verbose {
            write(text);
        }
    }

    /// Says how it goes, if somebody watches.
    pub(super) fn progress(self, text: Arguments<'_>) {
        if self.verbose || io::stderr().is_terminal() {
            write(text);
        }
    }

    /// What somebody had to know, if anything.
    pub(super) fn last_said(self) -> Option<String> {
        LAST_SAID.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One write, so that lines of several runs do not mix in one log.
fn write(text: Arguments<'_>) {
    let line = format!("distributex: {text}\n");
    let _ = io::stderr().write_all(line.as_bytes());
}

/// A time in seconds as people write it: no more than three decimals, and none that say nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds(pub(super) Duration);

impl Display for Seconds {
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
        let shown = |millis| Seconds(Duration::from_millis(millis)).to_string();

        assert_eq!([shown(30_000), shown(1_500), shown(7), shown(0)], ["30", "1.5", "0.007", "0"]);
    }
}
