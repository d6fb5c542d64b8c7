//! Parsed values, before validation.
use std::fmt;

/// The number of a value in the order of the file, from 1. Its line can be determined from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) usize);

/// A value of the file. The value of an alias is a copy with its own id.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) value: Value,
}

impl Node {
    /// The items of a list; any other value as the only item.
    pub(crate) fn items(self) -> Vec<Node> {
        if let Value::List(items) = self.value { items } else { vec![self] }
    }
}

/// A YAML value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file, with duplicates and unresolved merge keys.
    Map(Vec<(Node, Node)>),
    /// A value with an application-specific tag, such as `!secret x`.
    Tagged(String),
}

impl Value {
    /// The value as text, if it is text or an integer: a name may be a number.
    pub(crate) fn word(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Null | Self::Bool(_) | Self::Float(_) => None,
            Self::List(_) | Self::Map(_) | Self::Tagged(_) => None,
        }
    }

    /// The value as a number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
            Self::List(_) | Self::Map(_) | Self::Tagged(_) => None,
        }
    }
}

/// The value in error messages: always one short line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("empty"),
            Self::Bool(boolean) => write!(f, "{boolean}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) if items.is_empty() => f.write_str("an empty list"),
            Self::List(_) => f.write_str("a list"),
            Self::Map(entries) if entries.is_empty() => f.write_str("an empty map"),
            Self::Map(_) => f.write_str("a map"),
            Self::Tagged(tag) => write!(f, "tagged {}", quoted(tag)),
        }
    }
}

/// The text in quotes, truncated if it is long.
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
