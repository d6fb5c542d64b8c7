//! Errors of files that are not valid YAML.
use crate::errors::ConfigError;
use crate::yaml::anchors;

const NESTING_HINT: &str = "nest the values less deeply";

/// The parser's time grows with the square of the open brackets.
const MAX_DEPTH: usize = 1000;

/// Rejects text that the parser would reject without a line, misread, or parse for minutes.
pub(crate) fn parseable(text: &str) -> Result<(), ConfigError> {
    let found = forbidden_character(text).or_else(|| too_deep(text));
    let found = found.or_else(|| anchors::duplicate(text));
    found.map_or(Ok(()), Err)
}

/// The error for too many open brackets. Those in comments and quotes count too, which is harmless in practice.
fn too_deep(text: &str) -> Option<ConfigError> {
    let mut open = 0_usize;
    let index = text.bytes().position(|byte| {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > MAX_DEPTH
    })?;
    let line = line_at(text.as_bytes(), index);
    let problem = format!("more than {MAX_DEPTH} brackets are open");
    Some(ConfigError::in_line(line, problem, NESTING_HINT))
}

/// The error for the first character that YAML forbids.
fn forbidden_character(text: &str) -> Option<ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (index, found) = text.char_indices().find(|(_, c)| is_forbidden(*c))?;
    let line = line_at(text.as_bytes(), index);
    let problem = format!("control character U+{:04X}", u32::from(found));
    Some(ConfigError::in_line(line, problem, "remove it"))
}

fn is_forbidden(c: char) -> bool {
    let allowed_control = matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    (c.is_control() && !allowed_control) || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// The line of the byte at `index`, from 1.
pub(crate) fn line_at(text: &[u8], index: usize) -> usize {
    1 + text.iter().take(index).filter(|byte| **byte == b'\n').count()
}

/// Converts the parser's error: its line first, and a hint.
pub(crate) fn yaml_error(error: &serde_yaml::Error, text: &str) -> ConfigError {
    let Some(location) = error.location() else {
        return ConfigError::in_file(&format!("cannot be read as YAML: {error}"), "use fewer aliases");
    };
    let (line, column) = (location.line(), location.column());
    let position = format!(" at line {line} column {column}");
    let message = error.to_string().replacen(&position, "", 1);
    let line = line.min(text.lines().count()).max(1); // what is missing at the end is reported after the last line
    let hint = hint(&message, text.lines().nth(line - 1).unwrap_or_default());
    ConfigError::in_line(line, format!("not valid YAML: {message}"), hint)
}

/// The most likely hint. The parser's errors have no codes, so it is chosen by the line.
fn hint(message: &str, line: &str) -> &'static str {
    let indent = line.len() - line.trim_start().len();
    let special = |word: &str| word.starts_with(['*', '&', '@', '`', '%']);
    if line[..indent].contains('\t') {
        "indent with spaces instead of tabs"
    } else if message.starts_with("unknown anchor") {
        "define it with & before it is used, or put the text in quotes"
    } else if message.starts_with("recursion limit") {
        NESTING_HINT
    } else if line.split_whitespace().any(special) {
        "put a text that begins with a special character in quotes"
    } else {
        "look for a missing colon, quote or bracket here or in the line before, and at the indentation"
    }
}
