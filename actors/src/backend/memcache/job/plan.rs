//! Planned writes of a job: decided from its view, without any I/O.
//!
//! Every write takes effect only if its slot is still as it was read (compare-and-swap or -delete), or free (add), as
//! the view may be old. Ends come first, so that a slot that they free can be taken by an add in the same batch.

use std::{collections::HashSet, time::Duration};

use super::{
    Claim, EndLease, Job, RenewLease,
    planned_write::{PlannedWrite, WritePurpose},
    view::{HeldSlot, PoolView, whole_seconds},
};
use crate::backend::memcache::entry::{LeaseEntry, pause::PauseChange};

/// Expiry of a lease without an end until its write is confirmed, in seconds: otherwise an entry that arrives after
/// its server has ended would stay forever.
const UNCONFIRMED_SECONDS: u64 = 60;

/// Plans the writes of a batch. `fresh`: the view was read by this job, so writes that depend on all of it are
/// possible. `now`: time since 1970; `time`: seconds since 1970 by memcached's clock.
pub(crate) fn writes(job: &Job, fresh: bool, now: Duration, time: u64) -> Vec<PlannedWrite> {
    let (touched, freed, taken, served) = Default::default();
    let mut plan = WritePlan { job, fresh, now, time, writes: Vec::new(), touched, freed, taken, served };
    plan.pause();
    plan.width();
    for (index, end) in job.ends.iter().enumerate().filter(|(_, end)| end.had.is_none()) {
        plan.end(index, end);
    }
    for (slot, held) in job.strays() {
        plan.remove(slot, held, None);
    }
    plan.revokes();
    for (index, renewal) in job.renewals.iter().enumerate().filter(|(_, renewal)| renewal.lives.is_none()) {
        plan.renew(index, renewal);
    }
    plan.claims();
    plan.waiting();
    plan.writes
}

/// Whether all excess slots are free, so that they no longer have to be read.
pub(crate) fn can_shrink(view: &PoolView, slots: usize) -> bool {
    view.slot_count() > view.needed(slots)
}

/// Plan of a batch.
pub(crate) struct WritePlan<'a> {
    pub(crate) job: &'a Job,
    pub(crate) fresh: bool,
    now: Duration,
    pub(crate) time: u64,
    writes: Vec<PlannedWrite>,
    /// Slots whose lease ends or changes in this batch: their view is obsolete for later writes.
    touched: HashSet<usize>,
    /// Slots whose lease ends in this batch.
    freed: HashSet<usize>,
    /// Slots that are taken in this batch.
    taken: HashSet<usize>,
    /// Claims that take a slot in this batch.
    served: HashSet<usize>,
}

impl WritePlan<'_> {
    /// Adds a write, unless it needs memory that memcached has refused.
    fn write(&mut self, write: PlannedWrite) {
        if self.job.refused.is_none() || !write.needs_memory() {
            self.writes.push(write);
        }
    }

    /// Comes first, so that reads in this batch show the pool as it stays.
    fn pause(&mut self) {
        if let Some(PauseChange { to, is_done: false, .. }) = &self.job.pausing {
            let cas = self.job.view.paused.as_ref().map(|pause| pause.cas);
            if cas.is_some() || to.is_some() {
                self.write(PlannedWrite::Pause { cas, to: to.clone() });
            }
        } else if let Some(pause) = self.job.late_pause() {
            self.write(PlannedWrite::Pause { cas: Some(pause.cas), to: None });
        }
    }

    /// All servers read as many slots as any of them needs; fewer only when nothing else is to be done.
    fn width(&mut self) {
        let (view, slots) = (&self.job.view, self.job.slots);
        let narrow = self.fresh && self.job.is_done() && can_shrink(view, slots);
        if view.slot_count() < view.needed(slots) || narrow {
            self.write(PlannedWrite::Width {
                cas: view.width.map(|width| width.cas),
                to: view.needed(slots),
            });
        }
    }

    fn end(&mut self, index: usize, end: &EndLease) {
        let job = self.job;
        for (slot, held) in job.selected(&end.what) {
            if !end.if_ours || held.entry.by == Some(job.server) {
                self.remove(slot, held, Some(index));
            }
        }
    }

    fn remove(&mut self, slot: usize, held: &HeldSlot, end: Option<usize>) {
        if self.touched.insert(slot) {
            self.freed.insert(slot);
            self.write(PlannedWrite::Remove { slot, cas: held.cas, end });
        }
    }

    pub(crate) fn change(&mut self, slot: usize, held: &HeldSlot, entry: LeaseEntry, by: WritePurpose) {
        if self.touched.insert(slot) {
            let entry = LeaseEntry { token: Some(held.token()), ..entry };
            let (cas, end) = (held.cas, entry.end);
            if self.job.refused.is_some()
                && (LeaseEntry { end: held.entry.end, ..entry.clone() }) == *held.entry
            {
                self.write(PlannedWrite::Prolong { slot, cas, end, by });
            } else {
                self.write(PlannedWrite::Change { slot, cas, entry: Box::new(entry), by });
            }
        }
    }

    fn add(&mut self, slot: usize, claim: &Claim) {
        let Some(store) = &self.job.view.store else { return };
        let entry = Box::new(LeaseEntry {
            id: claim.id,
            requester: claim.requester.clone(),
            base: store.base,
            token: None,
            since: self.now,
            waited: claim.waited,
            ttl: claim.ttl,
            end: self.end_for(claim).or(Some(self.time + UNCONFIRMED_SECONDS)),
            command: claim.command.as_deref().map(str::to_owned),
            by: Some(self.job.server),
            revoked: None,
        });
        self.taken.insert(slot);
        self.write(PlannedWrite::Add { slot, entry });
    }

    fn renew(&mut self, index: usize, renewal: &RenewLease) {
        let job = self.job;
        let Some((slot, held)) = job.view.lease(renewal.id) else { return };
        let ttl = renewal.wanted(held);
        let by = Some(job.server);
        let entry = if held.entry.revoked.is_some() {
            self.extended(held, ttl)
        } else {
            Some(LeaseEntry { ttl, end: self.end_at_least(ttl), by, ..LeaseEntry::clone(&held.entry) })
        };
        if let Some(entry) = entry {
            self.change(slot, held, entry, WritePurpose::Renewal(index));
        }
    }

    /// Expiry of an entry that has to live for `ttl`: memcached ends entries up to a second early.
    pub(crate) fn end_at_least(&self, ttl: Option<Duration>) -> Option<u64> {
        ttl.map(|ttl| self.time + whole_seconds(ttl) + 1)
    }

    /// Expiry of an entry that may have to wait for its requester.
    fn end_for(&self, claim: &Claim) -> Option<u64> {
        let patience = if claim.present { Duration::ZERO } else { claim.patience };
        self.end_at_least(claim.ttl.map(|ttl| ttl.max(patience)))
    }

    /// In order: a claim that gets no slot is not overtaken by later ones.
    fn claims(&mut self) {
        let job = self.job;
        let mut full = false;
        for (index, claim) in job.claims.iter().enumerate().filter(|(_, claim)| claim.found.is_none()) {
            if job.waits_before(index) {
                continue; // decided by the outcome of that one
            }
            let other = job.slot_of(&claim.requester).filter(|(slot, _)| !self.freed.contains(slot));
            if let Some((slot, held)) = job.view.lease(claim.id) {
                if !job.may_keep(index, held) {
                    self.remove(slot, held, None);
                } else if !held.lasts() {
                    let entry = LeaseEntry { end: None, ..LeaseEntry::clone(&held.entry) };
                    self.change(slot, held, entry, WritePurpose::Claim(index));
                }
            } else if let Some((slot, held)) = other {
                if !job.view.written_after_pause(held) {
                    self.mark_delivered(index, claim, slot, held);
                }
            } else if claim.wants && !full && !job.is_paused() {
                full = !self.begin(index, claim);
            }
        }
    }

    /// Its requester has a lease, which is renewed if the requester is resumable. Otherwise the server that granted it
    /// has to learn that it is delivered, so as not to end it.
    fn mark_delivered(&mut self, index: usize, claim: &Claim, slot: usize, held: &HeldSlot) {
        if claim.requester.is_resumable() && held.entry.revoked.is_some() {
            if let Some(entry) = self.extended(held, claim.ttl) {
                self.change(slot, held, entry, WritePurpose::Claim(index));
            }
        } else if claim.requester.is_resumable() {
            let command = claim.command.as_deref().map(str::to_owned);
            let old = LeaseEntry::clone(&held.entry);
            let command = command.or_else(|| old.command.clone());
            let (ttl, end) = (claim.ttl, self.end_for(claim));
            let entry = LeaseEntry { ttl, end, by: Some(self.job.server), command, ..old };
            self.change(slot, held, entry, WritePurpose::Claim(index));
        } else if self.fresh && !self.job.delivery_is_known(held) {
            let end = if held.prolonged { self.end_of(held) } else { held.entry.end };
            let end = held.entry.ttl.and(end);
            let entry = LeaseEntry { by: None, end, ..LeaseEntry::clone(&held.entry) };
            self.change(slot, held, entry, WritePurpose::Claim(index));
        }
    }

    /// Takes a slot for a claim: a free one, or that of a later claim of this job. Returns whether the claim is
    /// served.
    fn begin(&mut self, index: usize, claim: &Claim) -> bool {
        let view = &self.job.view;
        if !self.fresh && view.slot_count() > self.job.slots {
            return true; // other servers may hold more slots than the view shows: read first
        }
        let usable = view.usable_slots(self.job.slots);
        let is_free =
            |slot: &usize| !self.taken.contains(slot) && (self.freed.contains(slot) || view.is_free(*slot));
        let free = (0..usable).find(is_free);
        let job = self.job;
        if job.gives_way(index, |slots| (0..view.usable_slots(slots)).any(|slot| is_free(&slot))) {
            return false;
        }
        let slot = free.or_else(|| {
            let (slot, held) =
                job.later_claim_with_slot(index).filter(|(slot, _)| !self.touched.contains(slot))?;
            self.remove(slot, held, None);
            Some(slot)
        });
        if let Some(slot) = slot {
            self.add(slot, claim);
            self.served.insert(index);
        }
        slot.is_some()
    }
}

impl RenewLease {
    /// Lifetime of the renewed lease, at most what the pool allows.
    pub(crate) fn wanted(&self, held: &HeldSlot) -> Option<Duration> {
        shorter(self.ttl.or(held.entry.ttl), self.max_ttl)
    }
}

impl WritePlan<'_> {
    /// Comes last, as it depends on the claims that are served.
    fn waiting(&mut self) {
        let Some((own, hints)) = self.job.hints_to_write(|claim| self.served.contains(&claim)) else {
            return;
        };
        let cas = self.job.view.hints.as_ref().map(|hints| hints.cas);
        let end = self.time + whole_seconds(self.job.order.life) + 1;
        self.write(PlannedWrite::Waiting { cas, hints, own, end });
    }
}

/// The shorter of two durations; `None` is unlimited.
fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
