//! Reading the words of a command line.

use std::time::Duration;

use structopt::clap::{Error, ErrorKind};

use distributex_client::{Server, ServerError};

/// No wait is longer: a hundred years.
const MAX_WAIT: f64 = 3.2e9;

/// One server or several. They are read once more when the port is known.
pub(crate) fn servers(text: &str) -> Result<String, ServerError> {
    Server::parse_list(text, 1).map(|_| text.to_owned())
}

/// The name of a pool or a host.
pub(crate) fn name(text: &str) -> Result<String, &'static str> {
    match text.len() {
        1..=255 if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err("a name has 1 to 255 bytes and no control characters"),
    }
}

/// A time.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=MAX_WAIT).contains(number));
    number.map(Duration::from_secs_f64).ok_or("write a number of seconds, as 30 or 0.5")
}

/// What makes no sense, in a sentence.
pub(crate) fn usage_error(sentence: &str) -> Error {
    with_hint(Error::with_description(sentence, ErrorKind::ValueValidation))
}

/// Not every message says where the options are explained.
pub(crate) fn with_hint(mut error: Error) -> Error {
    if error.use_stderr() && !error.message.contains("--help") {
        error.message.push_str("\n\nFor more information try --help");
    }
    error
}
