//! View of a pool: what was read of it from memcached.

use std::{sync::Arc, time::Duration};

use super::order::QueueHints;
use crate::{
    backend::memcache::entry::{LeaseEntry, pause::PauseEntry},
    pool::{LeaseId, Requester, Token},
};

/// A pool as of one read.
#[derive(Debug, Clone, Default)]
pub(crate) struct PoolView {
    /// All slots, held or free: as many as the pool has had on any server, which is more than now after `maxlocks` was
    /// lowered.
    pub(crate) slots: Vec<Option<HeldSlot>>,
    /// Indexes of slots with values that are not entries: held by an unknown party, and left alone.
    pub(crate) foreign: Vec<usize>,
    /// Entry with the number of slots to read.
    pub(crate) width: Option<SlotCount>,
    /// The pause; `None` if the pool is not paused.
    pub(crate) paused: Option<PauseEntry>,
    /// Hints of waiters.
    pub(crate) hints: Option<QueueHints>,
    /// The store; `None` before the first read.
    pub(crate) store: Option<Arc<StoreEntry>>,
}

/// A held slot.
#[derive(Debug, Clone)]
pub(crate) struct HeldSlot {
    /// CAS number of the entry.
    pub(crate) cas: u64,
    /// Time for which memcached keeps it without renewal, rounded down to seconds; `None`: unlimited.
    pub(crate) left: Option<Duration>,
    /// The entry.
    pub(crate) entry: Arc<LeaseEntry>,
    /// Whether its expiry was moved without a new value: the end stored in the entry is too early.
    pub(crate) prolonged: bool,
}

/// Highest number of slots that the pool has had on any server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotCount {
    /// Number of slots.
    pub(crate) slots: usize,
    /// CAS number of the entry.
    pub(crate) cas: u64,
}

/// Id and token base of a memcached, shared by its pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreEntry {
    /// Random id; a memcached that restarts empty gets a new one.
    pub(crate) id: Arc<str>,
    /// Added to a CAS number to make a token.
    pub(crate) base: u64,
    /// CAS number of the entry.
    pub(crate) cas: u64,
}

impl HeldSlot {
    /// Fencing token of the lease.
    pub(crate) fn token(&self) -> Token {
        self.entry.token.unwrap_or(Token(self.entry.base + self.cas))
    }
}

impl HeldSlot {
    /// Whether memcached keeps a lease that was just written for its whole lifetime, whatever fraction of a second its
    /// clock is behind.
    pub(crate) fn is_kept(&self) -> bool {
        let needed = |ttl: Duration| Duration::from_secs(whole_seconds(ttl) + 1);
        self.left.zip(self.entry.ttl).is_none_or(|(left, ttl)| left >= needed(ttl))
    }

    /// Whether memcached keeps a lease without an end forever.
    pub(crate) fn lasts(&self) -> bool {
        self.entry.ttl.is_some() || self.left.is_none()
    }

    /// Memcached's clock at the read; `None` if it cannot be calculated.
    pub(crate) fn time(&self) -> Option<u64> {
        if self.prolonged {
            return None;
        }
        self.entry.end?.checked_sub(self.left?.as_secs())
    }
}

/// The duration in seconds, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl PoolView {
    /// Slot and index of this lease.
    pub(crate) fn lease(&self, id: LeaseId) -> Option<(usize, &HeldSlot)> {
        self.held().find(|(_, slot)| slot.entry.id == id)
    }

    /// The held slots, with their indexes.
    pub(crate) fn held(&self) -> impl Iterator<Item = (usize, &HeldSlot)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| Some((index, slot.as_ref()?)))
    }

    /// The slot of this requester, of those that count. If servers granted it several at the same moment: the oldest,
    /// which is the one that stays.
    pub(crate) fn slot_of(
        &self,
        requester: &Requester,
        counts: impl Fn(&HeldSlot) -> bool,
    ) -> Option<(usize, &HeldSlot)> {
        let held = self.held().filter(|(_, slot)| slot.entry.requester == *requester && counts(slot));
        held.min_by_key(|(_, slot)| slot.token())
    }

    /// Whether the slot with this index is free.
    pub(crate) fn is_free(&self, index: usize) -> bool {
        self.slots.get(index).is_none_or(Option::is_none) && !self.foreign.contains(&index)
    }

    /// Number of held slots from this index on.
    pub(crate) fn taken_from(&self, index: usize) -> usize {
        let foreign = self.foreign.iter().filter(|foreign| **foreign >= index).count();
        self.slots.iter().skip(index).flatten().count() + foreign
    }

    /// Number of slots according to its entry.
    pub(crate) fn slot_count(&self) -> usize {
        self.width.map_or(0, |width| width.slots)
    }

    /// Number of slots that every server has to read of a pool with `slots` slots: held ones above count, too.
    pub(crate) fn needed(&self, slots: usize) -> usize {
        let held = self.slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let foreign = self.foreign.iter().max().map_or(0, |last| last + 1);
        slots.max(held).max(foreign)
    }

    /// Index below which free slots of a pool with `slots` slots may be taken.
    ///
    /// All of them, unless slots above are held after `maxlocks` was lowered. Then it is the largest index for which
    /// the slots below it, and the held ones from it on, are no more than `slots`. That keeps the limit whatever other
    /// servers do at the same time with older or newer views: of all servers that have taken slots, consider the one
    /// with the largest such index. From that index on no slot has been taken since its read, and below it there are
    /// few enough.
    pub(crate) fn usable_slots(&self, slots: usize) -> usize {
        (0..=slots).rev().find(|usable| usable + self.taken_from(*usable) <= slots).unwrap_or_default()
    }

    /// Whether a slot of a pool with `slots` slots may be taken.
    pub(crate) fn has_room(&self, slots: usize) -> bool {
        (0..self.usable_slots(slots)).any(|slot| self.is_free(slot))
    }
}
