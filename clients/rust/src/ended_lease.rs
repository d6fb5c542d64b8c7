//! How leases end that their holders did not end, as a server tells them.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::wire_time::moment;

/// How a lease ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedLease {
    /// The word that events use for it, as `expired` or `forced`.
    pub how: String,
    /// The operator who ended it, if one did.
    #[serde(default)]
    pub author: Option<String>,
    /// The operator's reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it ended, by the server's clock.
    #[serde(default, with = "moment")]
    pub at: Option<SystemTime>,
}

/// An operator asked the holder of a lease to release it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RevocationNotice {
    /// The operator.
    pub author: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for RevocationNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revoked by {}: {:?}", self.author, self.reason)
    }
}
