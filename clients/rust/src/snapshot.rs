//! How it stands with a pool, as everybody may know.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::{
    Holder, Server,
    wire_time::{moment, seconds},
};

/// What a server told, and who it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response<T> {
    /// What it told.
    pub value: T,
    /// The same in the server's own words, one JSON document: a later server may tell more.
    pub json: String,
    /// Who told it.
    pub server: Server,
}

/// A pool at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PoolSnapshot {
    /// What it is called.
    pub name: String,
    /// How many leases there may be at once.
    pub slots: u64,
    /// How many there are; more than slots if these were made fewer.
    pub held: u64,
    /// Who holds them, the oldest lease first; in a list of all pools the first hundred.
    pub holders: Vec<Holder>,
    /// Who waits.
    pub queue: Queue,
    /// Why it gives out nothing, if somebody paused it.
    #[serde(default)]
    pub paused: Option<Paused>,
    /// Whether it was taken out of the configuration: nothing is granted, and its leases live on.
    #[serde(default)]
    pub removed: bool,
    /// Whether the server cannot reach the pool's store: then this is how it was when it last could.
    #[serde(default)]
    pub store_down: bool,
}

/// A pause: a pool gives out nothing until it is resumed. Who holds a slot keeps it, who waits stays in line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Paused {
    /// Who paused it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// Since when, by the server's clock.
    #[serde(default, deserialize_with = "moment::deserialize")]
    pub since: Option<SystemTime>,
}

/// Those who wait for a pool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Queue {
    /// How many they are.
    pub length: u64,
    /// The first of them; a server tells of a hundred at most.
    pub waiters: Vec<Waiter>,
}

/// Who waits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Waiter {
    /// The number of the place; it rises with every place of the pool.
    pub ticket: u64,
    /// The host.
    pub host: String,
    /// For how long; `None`: longer than a clock can count.
    #[serde(with = "seconds")]
    pub waited: Option<Duration>,
    /// Whether a request of it is parked; else the place waits for it to come back.
    pub present: bool,
}
