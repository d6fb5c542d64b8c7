//! Secrets shared by a holder and the server.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::ClientError;

/// A lease id or an owner. Its text is sent in request bodies, and never shown otherwise.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret with this text.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// 128 random bits, in hex.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn random() -> Result<Self, ClientError> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|error| ClientError::NoChance { why: error.to_string() })?;
        let mut hex = String::with_capacity(32);
        for byte in bits {
            let _ = write!(hex, "{byte:02x}"); // writing to a string cannot fail
        }
        Ok(Self(hex))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_one_and_none_is_shown() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());

        assert_ne!(one, other);
        assert_eq!(one.0.len(), 32);
        assert_eq!(format!("{one:?}"), "Secret");
    }
}
