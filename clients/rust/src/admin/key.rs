//! Keys of operators.

use thiserror::Error;

use crate::lease::secret::Secret;

/// A key for admin actions over TCP. Secret: its text is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Secret);

/// The text is not a key. The error does not contain it: it may be a key with a typo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a valid key: it must be one word of printable characters, as printed by openssl rand -hex 32")]
pub struct KeyError;

impl Key {
    /// Reads a key; space around it, such as the end of the line in a file, is left out.
    ///
    /// # Errors
    /// When it is empty, or has anything in it that cannot be sent.
    ///
    /// ```
    /// use distributex_client::Key;
    ///
    /// assert!(Key::read("5f0c17\n").is_ok());
    /// assert!(Key::read("two words").is_err());
    /// ```
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let key = text.trim();
        let is_sendable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        if is_sendable { Ok(Self(Secret::new(key.to_owned()))) } else { Err(KeyError) }
    }

    /// The text.
    pub(crate) fn reveal(&self) -> &str {
        self.0.reveal()
    }
}
