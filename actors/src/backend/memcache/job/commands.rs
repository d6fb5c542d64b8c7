//! Commands of planned writes.

use super::{order, plan::PlannedWrite};
use crate::backend::memcache::{entry::keys::KeyNames, entry::pause, shard::protocol::MemcacheCommand};

impl PlannedWrite {
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
