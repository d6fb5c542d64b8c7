//! Entry of a pause, which every server sees when it reads the pool.
//!
//! The order of the commands in a batch decides what a pause stops. A claim adds its slot and then reads the pause; a
//! pause is written before the slots are read. So either the claim sees the pause, and returns its slot, or the
//! operator's answer shows the claim's lease among the holders.

use std::time::SystemTime;

use crate::{
    backend::memcache::job::{
        Job,
        view::{HeldSlot, PoolView},
    },
    json::OperatorJson,
    pool::Operator,
};

/// A stored pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PauseEntry {
    /// Author and reason.
    pub(crate) operator: Operator,
    /// CAS number of the entry.
    pub(crate) cas: u64,
}

/// A change of the pause. Only the latest one counts.
#[derive(Debug)]
pub(crate) struct PauseChange {
    /// The pause; `None`: resume.
    pub(crate) to: Option<Operator>,
    /// Whether memcached has it.
    pub(crate) is_done: bool,
    /// Whether it changed anything there.
    pub(crate) has_changed: bool,
}

/// The stored value.
pub(crate) fn write(operator: &Operator) -> String {
    serde_json::to_string(&OperatorJson::from(operator)).expect("a record has only texts and numbers")
}

/// Parses a stored value. A value that cannot be parsed pauses the pool, too: it may be that of a later version.
pub(crate) fn read(value: &[u8], cas: u64) -> PauseEntry {
    let operator = serde_json::from_slice(value).ok().map(OperatorJson::read);
    let unknown = || Operator {
        author: "unknown".into(),
        reason: "memcached has a pause of an unknown format; use resume to end it".into(),
        at: SystemTime::UNIX_EPOCH,
    };
    PauseEntry { operator: operator.unwrap_or_else(unknown), cas }
}

impl Job {
    /// Whether no slot may be taken after this job's change of the pause.
    pub(crate) fn is_paused(&self) -> bool {
        match &self.pausing {
            Some(PauseChange { to, is_done: false, .. }) => to.is_some(),
            Some(PauseChange { is_done: true, .. }) | None => self.view.paused.is_some(),
        }
    }
}

impl PoolView {
    /// Whether a slot was taken after the pause: the server that took it returns it, and does not deliver it.
    pub(crate) fn written_after_pause(&self, held: &HeldSlot) -> bool {
        let is_behind = |pause: &PauseEntry| held.entry.token.is_none() && held.cas > pause.cas;
        self.paused.as_ref().is_some_and(is_behind)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pause_is_read_as_it_was_written() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_451_623_914_999);
        let operator = Operator { author: "ann".into(), reason: "say \"hi\"".into(), at };

        assert_eq!(read(write(&operator).as_bytes(), 7), PauseEntry { operator, cas: 7 });
    }

    #[test]
    fn an_unparsable_value_is_a_pause() {
        for other in [&b""[..], b"1", b"\xff", b"{}", b"{\"author\":\"ann\"}"] {
            let PauseEntry { operator, cas } = read(other, 7);

            assert_eq!((&*operator.author, cas), ("unknown", 7));
        }
    }
}
