//! What was seen of a pool in its memcached.

use std::{sync::Arc, time::Duration};

use super::{entry::LeaseEntry, order::QueueHints, pause::PauseEntry};
use crate::pool::{LeaseId, Requester, Token};

/// A pool as it was in one look.
#[derive(Debug, Clone, Default)]
pub(super) struct PoolView {
    /// The slots, the free ones too. As many as any server has had of the pool: more than there are now where
    /// `maxlocks` was lowered.
    pub(super) slots: Vec<Option<HeldSlot>>,
    /// The numbers of the slots in which something stands that is not understood here: held, by nobody knows
    /// whom, and not to be touched.
    pub(super) foreign: Vec<usize>,
    /// The entry that says how many slots to look at; `None`: there is none.
    pub(super) width: Option<SlotCount>,
    /// Who paused the pool; `None`: nobody.
    pub(super) paused: Option<PauseEntry>,
    /// What servers say of those who wait there; `None`: nothing.
    pub(super) hints: Option<QueueHints>,
    /// The memcached; `None` before the first look.
    pub(super) store: Option<Arc<StoreEntry>>,
}

/// A slot that is held.
#[derive(Debug, Clone)]
pub(super) struct HeldSlot {
    /// The number of the entry's latest change.
    pub(super) cas: u64,
    /// How long memcached will keep it without renewal, rounded down to seconds; `None`: for ever.
    pub(super) left: Option<Duration>,
    /// What stands in it.
    pub(super) entry: Arc<LeaseEntry>,
    /// Whether its end was changed without writing it anew: what it says of its end is too early.
    pub(super) prolonged: bool,
}

/// The most slots that any server has had of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotCount {
    /// How many.
    pub(super) slots: usize,
    /// The number of the entry's latest change.
    pub(super) cas: u64,
}

/// What all pools of a memcached have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoreEntry {
    /// Its random name: one that was restarted empty gets a new one.
    pub(super) id: Arc<str>,
    /// What is added to a CAS number to make a token.
    pub(super) base: u64,
    /// The number of the entry's latest change.
    pub(super) cas: u64,
}

impl HeldSlot {
    /// The fencing number of the lease.
    pub(super) fn token(&self) -> Token {
        self.entry.token.unwrap_or(Token(self.entry.base + self.cas))
    }
}

impl HeldSlot {
    /// Whether memcached keeps a lease that was just written for its whole time, whatever part of a second its
    /// clock has behind it.
    pub(super) fn is_kept(&self) -> bool {
        let needed = |ttl: Duration| Duration::from_secs(whole_seconds(ttl) + 1);
        self.left.zip(self.entry.ttl).is_none_or(|(left, ttl)| left >= needed(ttl))
    }

    /// Whether memcached keeps it for ever if its lease has no end.
    pub(super) fn lasts(&self) -> bool {
        self.entry.ttl.is_some() || self.left.is_none()
    }

    /// What memcached's clock showed when this was seen, if that can be told.
    pub(super) fn time(&self) -> Option<u64> {
        if self.prolonged {
            return None;
        }
        self.entry.end?.checked_sub(self.left?.as_secs())
    }
}

/// Not less than this time.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl PoolView {
    /// The slot that is held by this lease.
    pub(super) fn lease(&self, id: LeaseId) -> Option<(usize, &HeldSlot)> {
        self.held().find(|(_, slot)| slot.entry.id == id)
    }

    /// The slots that are held, with their numbers.
    pub(super) fn held(&self) -> impl Iterator<Item = (usize, &HeldSlot)> {
        self.slots.iter().enumerate().filter_map(|(number, slot)| Some((number, slot.as_ref()?)))
    }

    /// The slot that is held by this asker, of those that count. If servers gave it several in the same moment: the
    /// one that stays, which is the oldest.
    pub(super) fn by(
        &self,
        requester: &Requester,
        counts: impl Fn(&HeldSlot) -> bool,
    ) -> Option<(usize, &HeldSlot)> {
        let held = self.held().filter(|(_, slot)| slot.entry.requester == *requester && counts(slot));
        held.min_by_key(|(_, slot)| slot.token())
    }

    /// Whether a slot with this number can be taken.
    pub(super) fn is_free(&self, number: usize) -> bool {
        self.slots.get(number).is_none_or(Option::is_none) && !self.foreign.contains(&number)
    }

    /// How many slots are held, from this number on.
    pub(super) fn taken_from(&self, number: usize) -> usize {
        let foreign = self.foreign.iter().filter(|foreign| **foreign >= number).count();
        self.slots.iter().skip(number).flatten().count() + foreign
    }

    /// How many slots the entry for it says there are.
    pub(super) fn slot_count(&self) -> usize {
        self.width.map_or(0, |width| width.slots)
    }

    /// How many slots everybody must look at for a pool of so many: those that are held above count too.
    pub(super) fn needed(&self, slots: usize) -> usize {
        let held = self.slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let foreign = self.foreign.iter().max().map_or(0, |last| last + 1);
        slots.max(held).max(foreign)
    }

    /// Below which number free slots of a pool of so many may be taken.
    ///
    /// All of them, unless more are held above: after `maxlocks` was lowered. Then it is the largest number for
    /// which all slots below it, and those that are held from it on, are no more than there may be. That keeps
    /// the promise whatever other servers do at the same time from older or newer looks: of all that have taken
    /// slots, look at the one with the largest such number. From that number on nobody has taken one since its
    /// look, and below it there are no more than so many.
    pub(super) fn usable_slots(&self, slots: usize) -> usize {
        (0..=slots).rev().find(|parking| parking + self.taken_from(*parking) <= slots).unwrap_or_default()
    }

    /// Whether a slot of a pool of so many may be taken.
    pub(super) fn has_room(&self, slots: usize) -> bool {
        (0..self.usable_slots(slots)).any(|slot| self.is_free(slot))
    }
}
