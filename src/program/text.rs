//! Untrusted text.

/// Makes untrusted text safe for a terminal: one line, in which characters that do not print, or change how others are
/// shown, are replaced.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Whether a character is neither a control character, nor invisible, nor one that changes the writing direction.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        && !matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_nothing_by_strangers() {
        assert_eq!(clean("a\x1b[31mb\u{9b}c\nd"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(clean("x\u{202e}y\u{2067}z"), "x\u{fffd}y\u{fffd}z");
        assert_eq!(clean("Zürich 'éa' \"日本\""), "Zürich 'éa' \"日本\"");
    }
}
