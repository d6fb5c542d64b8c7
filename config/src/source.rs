//! Text of the configuration file.
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::errors::ConfigError;
use crate::yaml::syntax;

/// Larger files are the wrong file, or endless, such as `/dev/zero`.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Reads the text at `path`.
pub(crate) fn text(path: &Path) -> Result<String, ConfigError> {
    let bytes = bytes(path).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::in_file("has more than 16 MiB", "name the configuration file with -c"));
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: &io::Error) -> ConfigError {
    let known = [
        (ErrorKind::NotFound, "does not exist", "name the configuration file with -c"),
        (ErrorKind::IsADirectory, "is a directory", "name a file in it with -c"),
        (ErrorKind::PermissionDenied, "may not be read by this user", "change its permissions or the user"),
    ];
    match known.into_iter().find(|(kind, ..)| *kind == error.kind()) {
        Some((_, problem, hint)) => ConfigError::in_file(problem, hint),
        None => ConfigError::in_file(&format!("cannot be read: {error}"), "name another file with -c"),
    }
}

fn not_utf8(bytes: &[u8], good: usize) -> ConfigError {
    let line = syntax::line_at(bytes, good);
    ConfigError::in_line(line, "a character is not UTF-8", "save the file as UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_file_is_reported_with_a_hint() {
        let error = |kind: ErrorKind| unreadable(&kind.into());

        assert_eq!(error(ErrorKind::PermissionDenied).problem, "the file may not be read by this user");
        assert_eq!(error(ErrorKind::TimedOut).problem, "the file cannot be read: timed out");
    }
}
