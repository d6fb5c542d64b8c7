//! What to say when a file is not even YAML.
use crate::anchors;
use crate::errors::ConfigError;

const NEST_LESS: &str = "nest the values less deeply";

/// More open brackets than any file needs; the parser's time grows with their square.
const MAX_DEPTH: usize = 1000;

/// Finds what the parser would refuse without its line, or only after minutes, or misunderstand.
pub(crate) fn parseable(text: &str) -> Result<(), ConfigError> {
    let found = forbidden_character(text).or_else(|| too_deep(text));
    let found = found.or_else(|| anchors::twice(text));
    found.map_or(Ok(()), Err)
}

/// Too many brackets that are open at once. Those in comments and quotes count, but hardly ever matter.
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
    Some(ConfigError::in_line(line, problem, NEST_LESS))
}

/// The first character that no YAML file may have.
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

/// The line of the byte at `index`, counted from 1.
pub(crate) fn line_at(text: &[u8], index: usize) -> usize {
    1 + text.iter().take(index).filter(|byte| **byte == b'\n').count()
}

/// The parser's error in our words: its line in front, and a way out.
pub(crate) fn mistake(error: &serde_yaml::Error, text: &str) -> ConfigError {
    let Some(location) = error.location() else {
        return ConfigError::in_file(&format!("cannot be read as YAML: {error}"), "use fewer aliases");
    };
    let (line, column) = (location.line(), location.column());
    let place = format!(" at line {line} column {column}");
    let said = error.to_string().replacen(&place, "", 1);
    let line = line.min(text.lines().count()).max(1); // what is missing at the end is missed behind the last line
    let way_out = way_out(&said, text.lines().nth(line - 1).unwrap_or_default());
    ConfigError::in_line(line, format!("not valid YAML: {said}"), way_out)
}

/// What helps in most cases. The parser has no codes for its errors, so this goes by the line.
fn way_out(said: &str, line: &str) -> &'static str {
    let indent = line.len() - line.trim_start().len();
    let special = |word: &str| word.starts_with(['*', '&', '@', '`', '%']);
    if line[..indent].contains('\t') {
        "indent with spaces instead of tabs"
    } else if said.starts_with("unknown anchor") {
        "define it with & before it is used, or put the text in quotes"
    } else if said.starts_with("recursion limit") {
        NEST_LESS
    } else if line.split_whitespace().any(special) {
        "put a text that begins with a special character in quotes"
    } else {
        "look for a missing colon, quote or bracket here or in the line before, and at the indentation"
    }
}
