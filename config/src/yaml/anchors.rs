//! Check for anchors that are defined twice.
//!
//! YAML allows a second definition, but the parser resolves an alias of the first definition to whatever anchor comes
//! next: a pool would silently get the values of another one.
use std::collections::{HashMap, HashSet};

use crate::errors::ConfigError;

/// The error for the first anchor that is defined again and used by an alias; `None` if there is no such anchor.
pub(crate) fn duplicate(text: &str) -> Option<ConfigError> {
    let aliases: HashSet<_> = words(text).filter_map(|(_, word)| word.strip_prefix('*')).collect();
    let mut first = HashMap::new();
    words(text).find_map(|(line, word)| {
        let anchor = word.strip_prefix('&').filter(|anchor| aliases.contains(anchor))?;
        let first = first.insert(anchor, line)?;
        let problem = format!("anchor &{anchor} is defined twice, first in line {first}");
        Some(ConfigError::in_line(line, problem, "give each anchor a name of its own"))
    })
}

/// Words that could be an anchor or an alias, with their lines. Quoted text is included: at worst, a text that
/// contains `&x`, `&x` and `*x` has to be written in another way.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().zip(1..).flat_map(|(line, number)| {
        let words = line.split([' ', '\t', ',', '[', ']', '{', '}']);
        let before_comment = words.take_while(|word| !word.starts_with('#'));
        before_comment.filter(|word| word.len() > 1).map(move |word| (number, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_defined_once_if_it_is_used() {
        for (text, found) in [
            ("a: &x 1\nb: &x 2\nc: *x", true),
            ("[&x 1,&x 2,*x]", true),
            ("a: &x 1\nb: &y 2\nc: [*x, *y]", false),
            ("a: &x 1\nb: &x 2", false),
            ("a: &x 1\n# &x\nb: *x # &x", false),
            ("R & D & *", false),
        ] {
            assert_eq!(duplicate(text).is_some(), found, "{text}");
        }
    }
}
