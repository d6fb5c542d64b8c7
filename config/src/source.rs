//! The text of the file.
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::errors::ConfigError;
use crate::syntax;

/// More than any configuration needs: the wrong file, or one without an end such as `/dev/zero`.
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
        Some((_, problem, way_out)) => ConfigError::in_file(problem, way_out),
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
    fn a_file_that_is_kept_from_us_has_a_way_out_too() {
        let told = |kind: ErrorKind| unreadable(&kind.into());

        assert_eq!(told(ErrorKind::PermissionDenied).problem, "the file may not be read by this user");
        assert_eq!(told(ErrorKind::TimedOut).problem, "the file cannot be read: timed out");
    }
}
