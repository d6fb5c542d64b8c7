//! A pause, as memcached keeps it for all servers: whoever looks at the pool sees it.
//!
//! Where it stands among the changes of a job says who is granted something. A claim takes its slot and asks
//! for the pause behind that; a pause is written and the slots are asked for behind that. So either the claim
//! sees the pause, and gives its slot back, or whoever paused the pool sees the claim's lease among those that are
//! held.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    job::Job,
    view::{HeldSlot, PoolView},
};
use crate::{json::micros, pool::Operator};

/// A pool is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PauseEntry {
    /// Who paused it, and why.
    pub(super) operator: Operator,
    /// The number of the entry's latest change.
    pub(super) cas: u64,
}

/// An operator's word on whether a pool is paused. Whatever was said before does not count.
#[derive(Debug)]
pub(super) struct PauseChange {
    /// Who pauses it; `None`: it goes on.
    pub(super) to: Option<Operator>,
    /// Whether memcached has it.
    pub(super) is_done: bool,
    /// Whether this has changed something there.
    pub(super) has_changed: bool,
}

/// An [`Operator`] in JSON. The time is in microseconds since 1970.
#[derive(Serialize, Deserialize)]
struct PauseJson<'a> {
    #[serde(borrow)]
    author: Cow<'a, str>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    since: u64,
}

/// What stands in memcached.
pub(super) fn write(Operator { author, reason, at }: &Operator) -> String {
    let since = micros(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
    let record = PauseJson { author: Cow::Borrowed(author), reason: Cow::Borrowed(reason), since };
    serde_json::to_string(&record).expect("a record has only texts and numbers")
}

/// Understands what stands in memcached. What is not understood pauses the pool too: it may be that of a later
/// version.
pub(super) fn read(value: &[u8], cas: u64) -> PauseEntry {
    let operator = serde_json::from_slice(value).ok().and_then(|PauseJson { author, reason, since }| {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(since))?;
        Some(Operator { author: author.into(), reason: reason.into(), at })
    });
    let unknown = || Operator {
        author: "unknown".into(),
        reason: "its memcached has a pause that is not understood here; resume ends it".into(),
        at: SystemTime::UNIX_EPOCH,
    };
    PauseEntry { operator: operator.unwrap_or_else(unknown), cas }
}

impl Job {
    /// Whether no slot may be taken behind what this job says of the pause.
    pub(super) fn is_paused(&self) -> bool {
        match &self.pausing {
            Some(PauseChange { to, is_done: false, .. }) => to.is_some(),
            Some(PauseChange { is_done: true, .. }) | None => self.view.paused.is_some(),
        }
    }
}

impl PoolView {
    /// Whether a slot was taken behind the pause: the server that took it gives it back, and nobody is to be told
    /// of it.
    pub(super) fn written_after_pause(&self, held: &HeldSlot) -> bool {
        let is_behind = |pause: &PauseEntry| held.entry.token.is_none() && held.cas > pause.cas;
        self.paused.as_ref().is_some_and(is_behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_as_it_was_written() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_451_623_914_999);
        let operator = Operator { author: "ann".into(), reason: "say \"hi\"".into(), at };

        assert_eq!(read(write(&operator).as_bytes(), 7), PauseEntry { operator, cas: 7 });
    }

    #[test]
    fn what_is_not_understood_is_a_pause() {
        for other in [&b""[..], b"1", b"\xff", b"{}", b"{\"author\":\"ann\"}"] {
            let PauseEntry { operator, cas } = read(other, 7);

            assert_eq!((&*operator.author, cas), ("unknown", 7));
        }
    }
}
