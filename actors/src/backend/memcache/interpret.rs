//! What a look says of a job: what is done, and what is not to be had.
//!
//! A claim has its slot when the look behind its add shows its entry, and nothing that speaks against it. Two
//! servers may add for one asker in the same moment. Their tokens say which add came first; the later one is
//! followed by a look that shows the earlier one, and is taken back. So whatever the earlier one saw, it may stay.
//! One whose look shows that the pool is paused is taken back, too.

use std::collections::HashSet;

use super::{
    job::{Claim, ClaimResult, EndLease, Job, LeaseSelector, RenewLease},
    pause::PauseChange,
    view::HeldSlot,
};
use crate::pool::Requester;

/// What came of the attempts to end a lease.
#[derive(Debug, Clone, Default)]
pub(super) struct EndAttempt {
    /// One was ended.
    pub(super) had: bool,
    /// One may have been ended: no answer came.
    pub(super) lost: bool,
    /// One had been changed since it was seen last: it is there still.
    pub(super) changed: bool,
}

impl Job {
    /// Whether nothing is left to do.
    pub(super) fn is_done(&self) -> bool {
        self.pausing.as_ref().is_none_or(|pausing| pausing.is_done)
            && self.ends.iter().all(|end| end.had.is_some())
            && self.revokes.iter().all(|revoke| revoke.is_done.is_some())
            && self.renewals.iter().all(|renewal| renewal.lives.is_some())
            && self.claims.iter().all(|claim| claim.found.is_some())
            && !self.has_strays()
    }

    /// Takes over what a complete look says of the pause and of leases that are there.
    pub(super) fn settle_held(&mut self, tried: &[EndAttempt]) {
        if let Some(PauseChange { to: None, is_done, .. }) = &mut self.pausing {
            *is_done |= self.view.paused.is_none();
            if *is_done {
                self.unsettled.resumed();
            }
        }
        self.settle_ends(tried);
        self.settle_revokes();
        for number in 0..self.renewals.len() {
            self.renewals[number].lives = self.lives(&self.renewals[number]);
        }
    }

    /// Whether a lease lives on, as far as is known now.
    fn lives(&self, renewal: &RenewLease) -> Option<bool> {
        match (self.view.lease(renewal.id), renewal.lives) {
            (None, None) => Some(false),
            (Some((_, held)), None) if self.leaves(held, renewal.wanted(held)) => Some(true),
            (Some((_, held)), Some(true)) if held.entry.revoked.is_none() && !held.is_kept() => None, // once more
            (None | Some(_), lives) => lives,
        }
    }

    fn settle_ends(&mut self, tried: &[EndAttempt]) {
        for (number, tried) in tried.iter().enumerate() {
            let end = &self.ends[number];
            let had = end.had.or_else(|| self.ended(end, tried));
            self.ends[number].had = had;
        }
    }

    /// What is known of an end now.
    fn ended(&self, end: &EndLease, tried: &EndAttempt) -> Option<bool> {
        let mut left = self.meant(&end.what).peekable();
        if tried.had && !tried.changed {
            Some(true)
        } else if left.peek().is_none() {
            Some(tried.had || tried.lost)
        } else if end.if_ours && left.all(|(_, held)| held.entry.by != Some(self.server)) {
            Some(tried.had)
        } else {
            None
        }
    }

    /// Takes over what a complete look says of claims, once everybody looks at all slots: those that were served
    /// first, and for each of them a slot, before those behind them. `told`: the claims of whose asker's lease it
    /// is now known that it was told. What is still to end, or was given up, comes first: its slot is theirs.
    pub(super) fn settle_claims(&mut self, delivered_claims: &HashSet<usize>) {
        if self.ends.iter().any(|end| end.had.is_none()) || self.has_strays() {
            return;
        }
        let parking = self.view.usable_slots(self.slots);
        let mut spare = (0..parking).filter(|slot| self.view.is_free(*slot)).count();
        let mut waits = false; // somebody who comes first is still to get one
        for number in 0..self.claims.len() {
            let claim = &self.claims[number];
            if claim.found.is_some() || self.waits_before(number) {
                continue;
            }
            let found = if let Some((_, held)) = self.view.lease(claim.id) {
                let may =
                    self.may_keep(number, held) && held.lasts() && !(waits && held.entry.token.is_none());
                may.then_some(ClaimResult::Granted)
            } else if let Some((_, held)) = self.by(&claim.requester) {
                let came_late = self.view.written_after_pause(held);
                if came_late {
                    Some(ClaimResult::NoSlot)
                } else {
                    self.has(number, claim, held, delivered_claims)
                }
            } else if !claim.wants
                || self.view.paused.is_some()
                || self.gives_way(number, |slots| self.view.has_room(slots))
            {
                Some(ClaimResult::NoSlot)
            } else if spare > 0 {
                spare -= 1;
                waits = true;
                None
            } else if self.later_claim_with_slot(number).is_some() {
                waits = true;
                None
            } else {
                Some(ClaimResult::NoSlot)
            };
            if found == Some(ClaimResult::Granted) {
                self.unsettled.settled(self.claims[number].id);
            }
            self.claims[number].found = found;
        }
    }

    /// The lease that the asker of a claim has under another name, once it is as it is to be.
    fn has(
        &self,
        number: usize,
        claim: &Claim,
        held: &HeldSlot,
        delivered_claims: &HashSet<usize>,
    ) -> Option<ClaimResult> {
        let is_so = if claim.requester.is_resumable() {
            delivered_claims.contains(&number) && held.is_kept() || self.leaves(held, claim.ttl)
        } else {
            delivered_claims.contains(&number) || self.delivery_is_known(held)
        };
        is_so.then_some(ClaimResult::AlreadyHeld(held.entry.id))
    }

    /// The leases that are to end by one word. Those that this job has begun are not among those of an asker.
    pub(super) fn meant<'a>(
        &'a self,
        what: &'a LeaseSelector,
    ) -> impl Iterator<Item = (usize, &'a HeldSlot)> {
        self.view.held().filter(move |(_, held)| match what {
            LeaseSelector::Lease(id) => held.entry.id == *id,
            LeaseSelector::By(requester) => held.entry.requester == *requester && !self.begins(held),
        })
    }

    /// The slot that this asker has; see `PoolView::by`.
    pub(super) fn by(&self, requester: &Requester) -> Option<(usize, &HeldSlot)> {
        self.view.by(requester, |held| !self.is_stray(held))
    }

    /// Whether this is the entry of a claim of this job.
    pub(super) fn begins(&self, held: &HeldSlot) -> bool {
        self.claims.iter().any(|claim| claim.id == held.entry.id)
    }

    /// Whether the entry of a claim may stay. One that has just come gives its slot back if somebody waits
    /// elsewhere: that was not known when it took it.
    pub(super) fn may_keep(&self, claim: usize, held: &HeldSlot) -> bool {
        let is_told = held.entry.token.is_some();
        let has_just_come = claim >= self.order.waiters;
        self.is_valid_grant(held) && (is_told || !has_just_come || !self.gives_way(claim, |slots| slots > 0))
    }

    /// Whether nothing speaks against the entry of a claim: the pool is not paused, no slot is held too many, its
    /// token rises, it is kept for long enough, and its asker has no older one. Another server that told its asker
    /// of it has changed it; then it is good.
    pub(super) fn is_valid_grant(&self, held: &HeldSlot) -> bool {
        let rises = self.view.store.as_ref().is_some_and(|store| store.base == held.entry.base);
        let oldest = self.by(&held.entry.requester).is_none_or(|(_, other)| other.token() >= held.token());
        let fits = self.view.taken_from(0) <= self.slots;
        let goes_on = self.view.paused.is_none();
        held.entry.token.is_some() || (goes_on && rises && oldest && fits && held.is_kept())
    }

    /// Whether an asker can be told of its lease as it stands: this server ends it in time, and none of its writes
    /// that may still arrive does so earlier. What other servers have written may.
    pub(super) fn delivery_is_known(&self, held: &HeldSlot) -> bool {
        held.entry.by == Some(self.server) && !self.unsettled.may_vanish(held)
    }

    /// Whether the asker of a claim has an earlier one in this job that is not answered yet.
    pub(super) fn waits_before(&self, number: usize) -> bool {
        let requester = &self.claims[number].requester;
        self.claims[..number].iter().any(|claim| claim.found.is_none() && claim.requester == *requester)
    }

    /// The slot of the last claim behind this one that has got one already, and can still be taken back.
    pub(super) fn later_claim_with_slot(&self, number: usize) -> Option<(usize, &HeldSlot)> {
        let behind = self.claims[number + 1..].iter().rev().filter(|claim| claim.found.is_none());
        let mut slots = behind.filter_map(|claim| self.view.lease(claim.id));
        slots.find(|(_, held)| held.entry.token.is_none())
    }
}
