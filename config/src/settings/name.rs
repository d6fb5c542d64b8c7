//! Names of pools, hosts and owners.
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The name of a pool, a host or an owner: 1 to 255 bytes without control characters. A clone is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Reason why a text is not a valid [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadName {
    /// It is empty.
    #[error("a name must not be empty")]
    Empty,
    /// It has more than [`Name::MAX_BYTES`] bytes; it has this many.
    #[error("a name must be at most 255 bytes, this one has {0}")]
    TooLong(usize),
    /// It contains this control character.
    #[error("a name must not contain control characters such as {0:?}")]
    Control(char),
}

impl Name {
    /// Maximum length of a name in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Validates `text`. Nothing is trimmed; case matters.
    ///
    /// # Errors
    /// [`BadName`] if it is empty, too long or has control characters.
    pub fn new(text: &str) -> Result<Self, BadName> {
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(BadName::TooLong(text.len()));
        }
        match text.chars().find(|c| c.is_control()) {
            Some(control) => Err(BadName::Control(control)),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_name_has_1_to_255_bytes() {
        assert_eq!(Name::new(""), Err(BadName::Empty));
        assert!(Name::new(&"n".repeat(255)).is_ok());
        assert_eq!(Name::new(&"ü".repeat(128)), Err(BadName::TooLong(256)));
    }

    #[test]
    fn a_name_has_no_control_characters() {
        for control in ['\0', '\n', '\u{7f}', '\u{85}'] {
            assert_eq!(Name::new(&format!("a{control}")), Err(BadName::Control(control)));
        }
    }

    #[test]
    fn a_name_is_taken_as_it_is() {
        for text in ["pool1", " spaces ", "a/b", "größe", ".", "🔒"] {
            assert_eq!(Name::new(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_name_is_found_by_its_text() {
        let names = HashSet::from([Name::new("acme1").unwrap()]);

        assert!(names.contains("acme1"));
        assert!(!names.contains("ACME1"));
    }
}
