//! What happened to a pool.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::wire_time::{moment, seconds};

/// Something that happened, as a server tells it. What does not belong to an event, or is not known, is
/// `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Its id: who comes back with it is told what happened after it.
    #[serde(skip)]
    pub id: String,
    /// What happened, in a word: `granted`, `released`, `paused`, …; a later server may know more of them.
    #[serde(skip)]
    pub name: String,
    /// All that the server tells, one JSON object.
    #[serde(skip)]
    pub json: String,
    /// The pool.
    pub pool: Option<String>,
    /// When, by the server's clock.
    #[serde(deserialize_with = "moment::deserialize")]
    pub time: Option<SystemTime>,
    /// Whom it concerns.
    pub host: Option<String>,
    /// The fencing number of the lease.
    pub token: Option<u64>,
    /// The number of the place in line.
    pub ticket: Option<u64>,
    /// The place in line.
    pub place: Option<u64>,
    /// How long the lease took to get.
    #[serde(deserialize_with = "seconds::deserialize")]
    pub waited: Option<Duration>,
    /// How long it was held.
    #[serde(deserialize_with = "seconds::deserialize")]
    pub held: Option<Duration>,
    /// What its holder said it was doing.
    pub command: Option<String>,
    /// How that ended.
    pub exit_status: Option<u8>,
    /// Which operator did it.
    pub author: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// A sentence of the server.
    pub message: Option<String>,
}

impl Event {
    /// Reads one; nothing if it tells nothing that can be understood.
    pub(super) fn read(id: &str, name: String, json: String) -> Option<Self> {
        let told = serde_json::from_str::<Self>(&json).ok()?;
        Some(Self { id: id.to_owned(), name, json, ..told })
    }
}
