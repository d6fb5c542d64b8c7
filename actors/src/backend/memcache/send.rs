//! A batch: changes, and behind them the questions that show what came of them.

use super::{keys::Keys, order, pause, plan::Write, protocol::Command};

impl Write {
    /// The command. None of them harms an entry if memcached has no memory left: see [`super::protocol`].
    pub(super) fn command(&self, keys: &Keys) -> Command {
        let write = |key: &str, cas: Option<u64>, value: String, end: Option<u64>| match cas {
            Some(cas) => Command::swap(key, cas, value, end),
            None => Command::add(key, value, end),
        };
        match self {
            Self::Pause { cas, to: Some(operator) } => {
                write(&keys.paused, *cas, pause::write(operator), None)
            }
            Self::Pause { cas, to: None } => Command::delete(&keys.paused, *cas),
            Self::Width { cas, to } => write(&keys.width, *cas, to.to_string(), None),
            Self::Waiting { cas: Some(cas), hints, .. } if hints.is_empty() => {
                Command::delete(&keys.waiting, Some(*cas))
            }
            Self::Waiting { cas, hints, end, .. } => {
                write(&keys.waiting, *cas, order::write(hints), Some(*end))
            }
            Self::Remove { slot, cas, end: _ } => Command::delete(&keys.slot(*slot), Some(*cas)),
            Self::Change { slot, cas, entry, by: _ } => {
                write(&keys.slot(*slot), Some(*cas), entry.write(), entry.end)
            }
            Self::Prolong { slot, cas, end, by: _ } => Command::prolong(&keys.slot(*slot), *cas, *end),
            Self::Add { slot, entry } => write(&keys.slot(*slot), None, entry.write(), entry.end),
        }
    }
}
