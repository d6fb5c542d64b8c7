//! Parsers for values of command-line options.

use std::time::Duration;

use structopt::clap::{Error, ErrorKind};

use super::console::DisplaySeconds;
use distributex_client::{Server, ServerError};
use distributex_config::parse_duration;

/// Maximum duration, in seconds: a hundred years.
const MAX_DURATION: f64 = 3.2e9;

/// Parses a list of servers; it is parsed again when the port is known.
pub(crate) fn servers(text: &str) -> Result<String, ServerError> {
    Server::parse_list(text, 1).map(|_| text.to_owned())
}

/// Parses the name of a pool or a host.
pub(crate) fn name(text: &str) -> Result<String, &'static str> {
    match text.len() {
        1..=255 if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err("must be 1 to 255 bytes without control characters"),
    }
}

/// Parses a duration: a number of seconds, or a number with a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    duration_from(text, Duration::ZERO)
}

/// Parses a duration of at least `min`.
pub(crate) fn duration_from(text: &str, min: Duration) -> Result<Duration, String> {
    let range = min.as_secs_f64()..=MAX_DURATION;
    let seconds = parse_duration(text).filter(|seconds| range.contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        let least =
            if min.is_zero() { String::new() } else { format!("at least {} seconds, ", DisplaySeconds(min)) };
        format!("must be {least}a number of seconds or a number with a unit, as in 30, 0.5, 90s, 10m or 2h")
    })
}

/// A usage error with this sentence.
pub(crate) fn usage_error(sentence: &str) -> Error {
    with_hint(Error::with_description(sentence, ErrorKind::ValueValidation))
}

/// Adds where the options are explained, unless the message says so.
pub(crate) fn with_hint(mut error: Error) -> Error {
    if error.use_stderr() && !error.message.contains("--help") {
        error.message.push_str("\n\nFor more information try --help");
    }
    error
}
