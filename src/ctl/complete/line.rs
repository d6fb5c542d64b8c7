//! Parsing of a command line as passed by bash.

/// The words after the program's name, unquoted; the last one is incomplete and may be empty.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut letters) = (Vec::new(), String::new(), None, line.chars());
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None | Some('"'), '\\') => word.extend(letters.next()),
            (None, ' ' | '\t') if word.is_empty() => {}
            (None, ' ' | '\t') => words.push(std::mem::take(&mut word)),
            (_, letter) => word.push(letter),
        }
    }
    words.push(word);
    words.split_off(1)
}

/// Length of the prefix that bash does not replace: it splits words at colons and equals signs.
pub(super) fn cut(word: &str) -> usize {
    word.rfind([':', '=']).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_words_as_for_a_shell() {
        assert_eq!(words("ctl why my\\ pool 'a b'\"c\" "), ["why", "my pool", "a bc", ""]);
        assert_eq!(words("/usr/bin/ctl -H locks:9 st"), ["-H", "locks:9", "st"]);
        assert!(words("ctl").is_empty());
    }

    #[test]
    fn bash_ends_a_word_at_a_colon() {
        assert_eq!([cut("a:b"), cut("ab"), cut("a=b:c")], [2, 0, 4]);
    }
}
