//! Outcome of a job, from a complete read of the pool.
//!
//! A claim is granted when the read after its add shows its entry, and nothing contradicts it. Two servers may add for
//! one requester at the same moment. Their tokens show which add came first; the later one is followed by a read that
//! shows the earlier one, and is taken back. So the earlier one may stay, whatever its read showed. A claim whose read
//! shows a pause is taken back, too.

use std::collections::HashSet;

use super::{Claim, ClaimResult, EndLease, Job, LeaseSelector, RenewLease, view::HeldSlot};
use crate::{backend::memcache::entry::pause::PauseChange, pool::Requester};

/// Replies to the attempts to end a lease.
#[derive(Debug, Clone, Default)]
pub(crate) struct EndAttempt {
    /// One ended it.
    pub(crate) had: bool,
    /// One may have ended it: there was no reply.
    pub(crate) lost: bool,
    /// The entry had changed since it was read: it still exists.
    pub(crate) changed: bool,
}

/// Free slots of the view that no earlier claim is to get.
#[derive(Debug)]
struct FreeSlots {
    count: usize,
    /// Whether an earlier claim is still to get a slot.
    are_claimed: bool,
}

impl FreeSlots {
    /// Takes one for a claim; `false` if there is none.
    fn take(&mut self) -> bool {
        let has_one = self.count > 0;
        self.count = self.count.saturating_sub(1);
        has_one
    }
}

impl Job {
    /// Whether everything in the job is settled.
    pub(crate) fn is_done(&self) -> bool {
        self.pausing.as_ref().is_none_or(|pausing| pausing.is_done)
            && self.ends.iter().all(|end| end.had.is_some())
            && self.revokes.iter().all(|revoke| revoke.is_done.is_some())
            && self.renewals.iter().all(|renewal| renewal.lives.is_some())
            && self.claims.iter().all(|claim| claim.found.is_some())
            && !self.has_strays()
    }

    /// Settles pauses, ends and renewals by a complete read.
    pub(crate) fn settle_held(&mut self, attempts: &[EndAttempt]) {
        if let Some(PauseChange { to: None, is_done, .. }) = &mut self.pausing {
            *is_done |= self.view.paused.is_none();
            if *is_done {
                self.unsettled.resumed();
            }
        }
        self.settle_ends(attempts);
        self.settle_revokes();
        for index in 0..self.renewals.len() {
            self.renewals[index].lives = self.lives(&self.renewals[index]);
        }
    }

    /// Whether the lease of a renewal lives on; `None`: not known yet.
    fn lives(&self, renewal: &RenewLease) -> Option<bool> {
        match (self.view.lease(renewal.id), renewal.lives) {
            (None, None) => Some(false),
            (Some((_, held)), None) if self.leaves(held, renewal.wanted(held)) => Some(true),
            (Some((_, held)), Some(true)) if held.entry.revoked.is_none() && !held.is_kept() => None, // to be renewed again
            (None | Some(_), lives) => lives,
        }
    }

    fn settle_ends(&mut self, attempts: &[EndAttempt]) {
        for (index, attempts) in attempts.iter().enumerate() {
            let end = &self.ends[index];
            let had = end.had.or_else(|| self.ended(end, attempts));
            self.ends[index].had = had;
        }
    }

    /// Whether there was something to end; `None`: not known yet.
    fn ended(&self, end: &EndLease, attempts: &EndAttempt) -> Option<bool> {
        let mut left = self.selected(&end.what).peekable();
        if attempts.had && !attempts.changed {
            Some(true)
        } else if left.peek().is_none() {
            Some(attempts.had || attempts.lost)
        } else if end.if_ours && left.all(|(_, held)| held.entry.by != Some(self.server)) {
            Some(attempts.had)
        } else {
            None
        }
    }

    /// Settles claims by a complete read, once all servers read all slots, in order. Ends and abandoned attempts come
    /// first, as their slots become free. `delivered_claims`: claims whose requester's lease is now known to be marked
    /// as delivered.
    pub(crate) fn settle_claims(&mut self, delivered_claims: &HashSet<usize>) {
        if self.ends.iter().any(|end| end.had.is_none()) || self.has_strays() {
            return;
        }
        let usable = self.view.usable_slots(self.slots);
        let count = (0..usable).filter(|slot| self.view.is_free(*slot)).count();
        let mut free = FreeSlots { count, are_claimed: false };
        for index in 0..self.claims.len() {
            if self.claims[index].found.is_some() || self.waits_before(index) {
                continue;
            }
            let found = self.claim_result(index, delivered_claims, &mut free);
            if found == Some(ClaimResult::Granted) {
                self.unsettled.settled(self.claims[index].id);
            }
            self.claims[index].found = found;
        }
    }

    /// Result of a claim; `None` if it is still to get a slot.
    fn claim_result(
        &self,
        index: usize,
        delivered_claims: &HashSet<usize>,
        free: &mut FreeSlots,
    ) -> Option<ClaimResult> {
        let claim = &self.claims[index];
        if let Some((_, held)) = self.view.lease(claim.id) {
            let is_overtaken = free.are_claimed && held.entry.token.is_none();
            let is_granted = self.may_keep(index, held) && held.lasts() && !is_overtaken;
            return is_granted.then_some(ClaimResult::Granted);
        }
        if let Some((_, held)) = self.slot_of(&claim.requester) {
            if self.view.written_after_pause(held) {
                return Some(ClaimResult::NoSlot);
            }
            return self.held_result(index, claim, held, delivered_claims);
        }
        let may_take = claim.wants
            && self.view.paused.is_none()
            && !self.gives_way(index, |slots| self.view.has_room(slots));
        if may_take && (free.take() || self.later_claim_with_slot(index).is_some()) {
            free.are_claimed = true;
            return None;
        }
        Some(ClaimResult::NoSlot)
    }

    /// The lease that a claim's requester has under another id, once it has the terms that it is to have.
    fn held_result(
        &self,
        index: usize,
        claim: &Claim,
        held: &HeldSlot,
        delivered_claims: &HashSet<usize>,
    ) -> Option<ClaimResult> {
        let has_terms = if claim.requester.is_resumable() {
            delivered_claims.contains(&index) && held.is_kept() || self.leaves(held, claim.ttl)
        } else {
            delivered_claims.contains(&index) || self.delivery_is_known(held)
        };
        has_terms.then_some(ClaimResult::AlreadyHeld(held.entry.id))
    }

    /// Leases selected for an end. Those that this job has granted are not selected by requester.
    pub(crate) fn selected<'a>(
        &'a self,
        what: &'a LeaseSelector,
    ) -> impl Iterator<Item = (usize, &'a HeldSlot)> {
        self.view.held().filter(move |(_, held)| match what {
            LeaseSelector::Lease(id) => held.entry.id == *id,
            LeaseSelector::By(requester) => held.entry.requester == *requester && !self.begins(held),
        })
    }

    /// The slot of this requester; see `PoolView::slot_of`.
    pub(crate) fn slot_of(&self, requester: &Requester) -> Option<(usize, &HeldSlot)> {
        self.view.slot_of(requester, |held| !self.is_stray(held))
    }

    /// Whether this is the entry of a claim of this job.
    pub(crate) fn begins(&self, held: &HeldSlot) -> bool {
        self.claims.iter().any(|claim| claim.id == held.entry.id)
    }

    /// Whether the entry of a claim may stay. A new request returns its slot if a waiter is queued at another server,
    /// which was not known when it took the slot.
    pub(crate) fn may_keep(&self, claim: usize, held: &HeldSlot) -> bool {
        let is_delivered = held.entry.token.is_some();
        let is_new = claim >= self.order.waiters;
        self.is_valid_grant(held) && (is_delivered || !is_new || !self.gives_way(claim, |slots| slots > 0))
    }

    /// Whether the entry of a claim is valid: the pool is not paused, the slot is within the limit, the token rises,
    /// memcached keeps the entry long enough, and the requester has no older lease. An entry that another server has
    /// changed was delivered, and is valid.
    pub(crate) fn is_valid_grant(&self, held: &HeldSlot) -> bool {
        let rises = self.view.store.as_ref().is_some_and(|store| store.base == held.entry.base);
        let oldest =
            self.slot_of(&held.entry.requester).is_none_or(|(_, other)| other.token() >= held.token());
        let fits = self.view.taken_from(0) <= self.slots;
        let is_open = self.view.paused.is_none();
        held.entry.token.is_some() || (is_open && rises && oldest && fits && held.is_kept())
    }

    /// Whether a lease can be delivered without a change of its entry: this server ends it, and none of its writes
    /// that may still arrive ends it earlier. Writes of other servers may.
    pub(crate) fn delivery_is_known(&self, held: &HeldSlot) -> bool {
        held.entry.by == Some(self.server) && !self.unsettled.may_vanish(held)
    }

    /// Whether an earlier claim of the same requester in this job is not settled.
    pub(crate) fn waits_before(&self, index: usize) -> bool {
        let requester = &self.claims[index].requester;
        self.claims[..index].iter().any(|claim| claim.found.is_none() && claim.requester == *requester)
    }

    /// The slot of the last later claim that has got one and can still be taken back.
    pub(crate) fn later_claim_with_slot(&self, index: usize) -> Option<(usize, &HeldSlot)> {
        let behind = self.claims[index + 1..].iter().rev().filter(|claim| claim.found.is_none());
        let mut slots = behind.filter_map(|claim| self.view.lease(claim.id));
        slots.find(|(_, held)| held.entry.token.is_none())
    }
}
