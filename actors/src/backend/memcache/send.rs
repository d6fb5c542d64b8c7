//! A batch: changes, and behind them the questions that show what came of them.

use r2d2_memcache::memcache::exp::{MetaCommand, MetaOp, MetaResponse, ReturnCode};

use super::{entry::Entry, keys::Keys, pause, plan::Write};

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was made.
    Done,
    /// Somebody else had changed the entry.
    Changed,
    /// There was nothing to change, or something where nothing should have been.
    Void,
}

impl Outcome {
    /// Understands an answer.
    pub(super) fn of(answer: &MetaResponse) -> Self {
        if answer.rc() == ReturnCode::Hd {
            Self::Done
        } else if answer.rc() == ReturnCode::Ex {
            Self::Changed
        } else {
            Self::Void
        }
    }
}

impl Write {
    /// The command.
    pub(super) fn command(&self, keys: &Keys) -> MetaCommand {
        let set = |key: String, value: String| MetaCommand::new(MetaOp::Set, key).value(value);
        match self {
            Self::Pause { to: Some(operator) } => set(keys.paused.clone(), pause::write(operator)).flag("T0"),
            Self::Pause { to: None } => MetaCommand::new(MetaOp::Delete, keys.paused.clone()),
            Self::Width { cas: None, to } => set(keys.width.clone(), to.to_string()).flag("ME").flag("T0"),
            Self::Width { cas: Some(cas), to } => {
                set(keys.width.clone(), to.to_string()).flag(format!("C{cas}")).flag("T0")
            }
            Self::Remove { slot, cas, end: _ } => {
                MetaCommand::new(MetaOp::Delete, keys.slot(*slot)).flag(format!("C{cas}"))
            }
            Self::Change { slot, cas, entry, by: _ } => {
                set(keys.slot(*slot), entry.write()).flag(format!("C{cas}")).flag(expiry(entry))
            }
            Self::Add { slot, entry } => set(keys.slot(*slot), entry.write()).flag("ME").flag(expiry(entry)),
        }
    }
}

/// The flag that says when an entry ends. So large a number is a date to memcached.
fn expiry(entry: &Entry) -> String {
    format!("T{}", entry.end.unwrap_or_default())
}
