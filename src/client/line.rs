//! Who stands before an asker, and who holds the slots.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// How it stands with a pool that has no slot for an asker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Line {
    /// The asker's own place, from 1; none if it does not stand in line.
    pub place: Option<u64>,
    /// How many stand in line.
    #[serde(rename = "line")]
    pub length: Option<u64>,
    /// Who holds the slots.
    #[serde(default)]
    pub holders: Vec<Holder>,
}

/// Who holds a slot, as everybody may know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Holder {
    /// The host.
    pub host: String,
    /// Its fencing number.
    pub token: u64,
    /// Since when, by the server's clock.
    #[serde(default, deserialize_with = "moment")]
    pub since: Option<SystemTime>,
    /// What it says it is doing.
    #[serde(default)]
    pub command: Option<String>,
}

/// What cannot be read is not known: it is only for people.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse::<Timestamp>().ok()).map(SystemTime::from))
}
