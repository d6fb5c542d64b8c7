//! Writes of a batch, and their commands.

use super::order::{self, OwnHint, QueueHint};
use crate::{
    backend::memcache::{
        entry::{LeaseEntry, keys::KeyNames, pause},
        shard::protocol::MemcacheCommand,
    },
    pool::Operator,
};

/// A planned write.
#[derive(Debug)]
pub(crate) enum PlannedWrite {
    /// Writes the pause, or deletes it: the entry with this CAS number, if there is one.
    Pause { cas: Option<u64>, to: Option<Operator> },
    /// Writes the number of slots to read; adds the entry if it has no CAS number.
    Width { cas: Option<u64>, to: usize },
    /// Writes the hints of all servers; adds the entry if it has no CAS number. `own`: the new hint of this server.
    Waiting { cas: Option<u64>, hints: Vec<QueueHint>, own: Option<OwnHint>, end: u64 },
    /// Ends a lease: for the end with this index, or because it was not granted after all.
    Remove { slot: usize, cas: u64, end: Option<usize> },
    /// Replaces the entry of a lease.
    Change { slot: usize, cas: u64, entry: Box<LeaseEntry>, by: WritePurpose },
    /// Moves the end of a lease, and changes nothing else.
    Prolong { slot: usize, cas: u64, end: Option<u64>, by: WritePurpose },
    /// Takes a free slot.
    Add { slot: usize, entry: Box<LeaseEntry> },
}

impl PlannedWrite {
    /// Whether memcached may refuse it because it is full.
    pub(super) fn needs_memory(&self) -> bool {
        match self {
            Self::Pause { to, .. } => to.is_some(),
            Self::Width { .. } | Self::Waiting { .. } | Self::Change { .. } | Self::Add { .. } => true,
            Self::Remove { .. } | Self::Prolong { .. } => false,
        }
    }

    /// The command. It leaves the entry as it is if memcached has no memory left: see `shard::protocol`.
    pub(crate) fn command(&self, keys: &KeyNames) -> MemcacheCommand {
        let write = |key: &str, cas: Option<u64>, value: String, end: Option<u64>| match cas {
            Some(cas) => MemcacheCommand::swap(key, cas, value, end),
            None => MemcacheCommand::add(key, value, end),
        };
        match self {
            Self::Pause { cas, to: Some(operator) } => {
                write(&keys.paused, *cas, pause::write(operator), None)
            }
            Self::Pause { cas, to: None } => MemcacheCommand::delete(&keys.paused, *cas),
            Self::Width { cas, to } => write(&keys.width, *cas, to.to_string(), None),
            Self::Waiting { cas: Some(cas), hints, .. } if hints.is_empty() => {
                MemcacheCommand::delete(&keys.waiting, Some(*cas))
            }
            Self::Waiting { cas, hints, end, .. } => {
                write(&keys.waiting, *cas, order::write(hints), Some(*end))
            }
            Self::Remove { slot, cas, end: _ } => MemcacheCommand::delete(&keys.slot(*slot), Some(*cas)),
            Self::Change { slot, cas, entry, by: _ } => {
                write(&keys.slot(*slot), Some(*cas), entry.write(), entry.end)
            }
            Self::Prolong { slot, cas, end, by: _ } => {
                MemcacheCommand::prolong(&keys.slot(*slot), *cas, *end)
            }
            Self::Add { slot, entry } => write(&keys.slot(*slot), None, entry.write(), entry.end),
        }
    }
}

/// Purpose of a changed lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WritePurpose {
    /// The renewal with this index.
    Renewal(usize),
    /// The claim with this index.
    Claim(usize),
    /// The revocation with this index.
    Revoke(usize),
}
