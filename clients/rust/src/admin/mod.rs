//! Admin actions and the operator's key.

pub(crate) mod key;
pub(crate) mod operator;
