//! Who stands before an asker, and who holds the slots.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::{
    Paused,
    wire_time::{moment, seconds},
};

/// How it stands with a pool that has no slot for an asker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct QueueInfo {
    /// The asker's own place, from 1; none if it does not stand in line.
    pub position: Option<u64>,
    /// How many stand in line.
    #[serde(rename = "line")]
    pub length: Option<u64>,
    /// Who holds the slots.
    #[serde(default)]
    pub holders: Vec<Holder>,
    /// Why nobody gets a slot, if the pool is paused.
    #[serde(default)]
    pub paused: Option<Paused>,
}

/// Who holds a slot, as everybody may know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Holder {
    /// The host.
    pub host: String,
    /// Its fencing number.
    pub token: u64,
    /// Since when, by the server's clock.
    #[serde(default, deserialize_with = "moment::deserialize")]
    pub since: Option<SystemTime>,
    /// How long it is until the lease ends unless it is renewed; `None`: it does not end by itself.
    #[serde(default, deserialize_with = "seconds::deserialize")]
    pub expires_in: Option<Duration>,
    /// What it says it is doing.
    #[serde(default)]
    pub command: Option<String>,
    /// Who wants the slot back, if an operator revoked the lease.
    #[serde(default)]
    pub revoked: Option<Revocation>,
}

/// An operator asked the holder of a lease to stop.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Revocation {
    /// The operator.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When the slot is free at the latest, by the server's clock; `None`: not before its holder releases it.
    #[serde(default, deserialize_with = "moment::deserialize")]
    pub until: Option<SystemTime>,
}
