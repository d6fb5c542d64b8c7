//! What the file says, before anybody asked whether it makes sense.
use std::fmt;

/// When a value was met while the file was read: the first is 1. The place of the value can be found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(pub(crate) usize);

/// A value of the file and its place. What an alias names is a copy with a place of its own.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) said: Said,
}

impl Node {
    /// The items of a list; of anything else, it alone.
    pub(crate) fn items(self) -> Vec<Node> {
        if let Said::List(items) = self.said { items } else { vec![self] }
    }
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    Nothing,
    Truth(bool),
    Whole(i128),
    Fraction(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file, with duplicates, and with merge keys as they stand there.
    Map(Vec<(Node, Node)>),
    /// A value with a tag of its own, such as `!secret x`.
    Tagged(String),
}

impl Said {
    /// The text, where a text is meant: a name may be a number, and nobody puts that in quotes.
    pub(crate) fn word(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Whole(number) => Some(number.to_string()),
            Self::Nothing | Self::Truth(_) | Self::Fraction(_) => None,
            Self::List(_) | Self::Map(_) | Self::Tagged(_) => None,
        }
    }

    /// The number, whole or not.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Fraction(number) => Some(*number),
            Self::Nothing | Self::Truth(_) | Self::Text(_) => None,
            Self::List(_) | Self::Map(_) | Self::Tagged(_) => None,
        }
    }
}

/// As it is called in a message: always one line, never long.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("empty"),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Fraction(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) if items.is_empty() => f.write_str("an empty list"),
            Self::List(_) => f.write_str("a list"),
            Self::Map(entries) if entries.is_empty() => f.write_str("an empty map"),
            Self::Map(_) => f.write_str("a map"),
            Self::Tagged(tag) => write!(f, "tagged {}", quoted(tag)),
        }
    }
}

/// A text in quotes, without its end if it is long.
pub(crate) fn quoted(text: &str) -> String {
    const MAX_QUOTED: usize = 60;
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_stays_one_line() {
        let text = format!("a\n{}", "ü".repeat(100));

        assert_eq!(quoted(&text), format!("\"a\\n{}\"…", "ü".repeat(58)));
    }
}
