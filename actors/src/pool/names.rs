//! Tokens, tickets and lease ids.

use std::fmt;

/// Fencing token: larger than those of all earlier grants of the pool, so that a protected resource can refuse an
/// older holder. Below 2^53, where JSON numbers are exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

impl Token {
    /// The next token.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Public number of a queue entry; rises per pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Secret id of a lease: 128 random bits. Whoever knows it can renew and release the lease.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId([u8; 16]); // bytes instead of a u128, whose alignment would leave gaps in structures

impl LeaseId {
    /// A random id.
    ///
    /// # Panics
    /// When the system provides no randomness: no lease is better than one that can be guessed.
    #[must_use]
    pub fn random() -> Self {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).expect("the system gives random bits");
        Self(bits)
    }

    /// Parses the form that [`LeaseId::reveal`] returns.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = if is_hex { u128::from_str_radix(text, 16).ok() } else { None };
        bits.map(|bits| Self(bits.to_be_bytes()))
    }

    /// Hexadecimal form, for the holder only.
    #[must_use]
    pub fn reveal(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Leaves out the secret.
impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_id_is_read_as_it_is_shown_and_never_shown_by_chance() {
        let id = LeaseId::random();

        assert_eq!(LeaseId::parse(&id.reveal()), Some(id));
        assert_ne!(LeaseId::random(), id);
        assert_eq!(format!("{id:?}"), "LeaseId(…)");
        for wrong in ["", "12", &"+".repeat(32), &"g".repeat(32), &"0".repeat(33)] {
            assert_eq!(LeaseId::parse(wrong), None, "{wrong}");
        }
    }
}
