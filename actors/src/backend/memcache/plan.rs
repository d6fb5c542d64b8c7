//! Which changes bring a job on: decided from what was seen last, without any I/O.
//!
//! Every change is made only if its slot is still as it was seen (a compare-and-swap or -delete), or free (an
//! add): what was seen may be old. Ends come first, so that a slot that they free can be taken by an add behind
//! them in the same batch.

use std::{collections::HashSet, time::Duration};

use super::{
    entry::LeaseEntry,
    job::{Claim, EndLease, Job, RenewLease},
    order::{OwnHint, QueueHint},
    pause::PauseChange,
    view::{HeldSlot, PoolView, whole_seconds},
};
use crate::pool::Operator;

/// An entry of a lease without an end has one, after so many seconds, until it is known that it was written: else one
/// that arrives late, when its server is gone, would stay for ever.
const FIRST_END: u64 = 60;

/// One change.
#[derive(Debug)]
pub(super) enum PlannedWrite {
    /// The entry that says who paused the pool is written, or deleted: the one with this CAS number, if there is one.
    Pause { cas: Option<u64>, to: Option<Operator> },
    /// The entry that says how many slots there are: added if it has no CAS number yet.
    Width { cas: Option<u64>, to: usize },
    /// The hints of all servers are written: added if there are none yet. `own`: what ours says then.
    Waiting { cas: Option<u64>, hints: Vec<QueueHint>, own: Option<OwnHint>, end: u64 },
    /// A lease ends: for the end with this number, or because it was not granted after all.
    Remove { slot: usize, cas: u64, end: Option<usize> },
    /// A lease becomes another one.
    Change { slot: usize, cas: u64, entry: Box<LeaseEntry>, by: WritePurpose },
    /// A lease ends later; nothing else of it changes.
    Prolong { slot: usize, cas: u64, end: Option<u64>, by: WritePurpose },
    /// A free slot is taken.
    Add { slot: usize, entry: Box<LeaseEntry> },
}

impl PlannedWrite {
    /// Whether memcached can refuse it because it is full.
    fn needs_memory(&self) -> bool {
        match self {
            Self::Pause { to, .. } => to.is_some(),
            Self::Width { .. } | Self::Waiting { .. } | Self::Change { .. } | Self::Add { .. } => true,
            Self::Remove { .. } | Self::Prolong { .. } => false,
        }
    }
}

/// For what a lease is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WritePurpose {
    /// The renewal with this number.
    Renewal(usize),
    /// The claim with this number.
    Claim(usize),
    /// The revoke with this number.
    Revoke(usize),
}

/// Decides what to send. `fresh`: the view was read by this very job, so what depends on all of it may be done.
/// `now`: since 1970; `time`: the seconds since 1970 by memcached's clock.
pub(super) fn writes(job: &Job, fresh: bool, now: Duration, time: u64) -> Vec<PlannedWrite> {
    let (touched, freed, taken, served) = Default::default();
    let mut plan = WritePlan { job, fresh, now, time, writes: Vec::new(), touched, freed, taken, served };
    plan.pause();
    plan.width();
    for (number, end) in job.ends.iter().enumerate().filter(|(_, end)| end.had.is_none()) {
        plan.end(number, end);
    }
    for (slot, held) in job.strays() {
        plan.remove(slot, held, None);
    }
    plan.revokes();
    for (number, renewal) in job.renewals.iter().enumerate().filter(|(_, renewal)| renewal.lives.is_none()) {
        plan.renew(number, renewal);
    }
    plan.claims();
    plan.waiting();
    plan.writes
}

/// Whether all slots that there were too many of are free, so that nobody needs to look at them any more.
pub(super) fn can_shrink(view: &PoolView, slots: usize) -> bool {
    view.slot_count() > view.needed(slots)
}

/// What is to be sent.
pub(super) struct WritePlan<'a> {
    pub(super) job: &'a Job,
    pub(super) fresh: bool,
    now: Duration,
    pub(super) time: u64,
    writes: Vec<PlannedWrite>,
    /// Slots whose lease ends or changes in this batch: what was seen of it is no longer true behind that.
    touched: HashSet<usize>,
    /// Those of them whose lease ends.
    freed: HashSet<usize>,
    /// Slots that are taken in this batch.
    taken: HashSet<usize>,
    /// Claims that take one of them.
    served: HashSet<usize>,
}

impl WritePlan<'_> {
    /// A memcached that refused to store something is asked for no more memory.
    fn write(&mut self, write: PlannedWrite) {
        if self.job.refused.is_none() || !write.needs_memory() {
            self.writes.push(write);
        }
    }

    /// Before all else, so that what is seen behind it is how the pool stays.
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

    /// As many slots are looked at as are needed, by everybody; fewer only when there is nothing else to do.
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

    fn end(&mut self, number: usize, end: &EndLease) {
        let job = self.job;
        for (slot, held) in job.meant(&end.what) {
            if !end.if_ours || held.entry.by == Some(job.server) {
                self.remove(slot, held, Some(number));
            }
        }
    }

    fn remove(&mut self, slot: usize, held: &HeldSlot, end: Option<usize>) {
        if self.touched.insert(slot) {
            self.freed.insert(slot);
            self.write(PlannedWrite::Remove { slot, cas: held.cas, end });
        }
    }

    pub(super) fn change(&mut self, slot: usize, held: &HeldSlot, entry: LeaseEntry, by: WritePurpose) {
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
            end: self.end_for(claim).or(Some(self.time + FIRST_END)),
            command: claim.command.as_deref().map(str::to_owned),
            by: Some(self.job.server),
            revoked: None,
        });
        self.taken.insert(slot);
        self.write(PlannedWrite::Add { slot, entry });
    }

    fn renew(&mut self, number: usize, renewal: &RenewLease) {
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
            self.change(slot, held, entry, WritePurpose::Renewal(number));
        }
    }

    /// When memcached is to end a lease that lives so long: it ends an entry up to a second before its date.
    pub(super) fn end_at_least(&self, ttl: Option<Duration>) -> Option<u64> {
        ttl.map(|ttl| self.time + whole_seconds(ttl) + 1)
    }

    /// The same for one that may have to wait for its asker.
    fn end_for(&self, claim: &Claim) -> Option<u64> {
        let patience = if claim.present { Duration::ZERO } else { claim.patience };
        self.end_at_least(claim.ttl.map(|ttl| ttl.max(patience)))
    }

    /// In their order: who gets no slot is not overtaken by who comes after.
    fn claims(&mut self) {
        let job = self.job;
        let mut full = false;
        for (number, claim) in job.claims.iter().enumerate().filter(|(_, claim)| claim.found.is_none()) {
            if job.waits_before(number) {
                continue; // what becomes of that one decides
            }
            let other = job.by(&claim.requester).filter(|(slot, _)| !self.freed.contains(slot));
            if let Some((slot, held)) = job.view.lease(claim.id) {
                if !job.may_keep(number, held) {
                    self.remove(slot, held, None);
                } else if !held.lasts() {
                    let entry = LeaseEntry { end: None, ..LeaseEntry::clone(&held.entry) };
                    self.change(slot, held, entry, WritePurpose::Claim(number));
                }
            } else if let Some((slot, held)) = other {
                if !job.view.written_after_pause(held) {
                    self.mark_delivered(number, claim, slot, held);
                }
            } else if claim.wants && !full && !job.is_paused() {
                full = !self.begin(number, claim);
            }
        }
    }

    /// Its asker has a lease: that one is renewed if the asker comes back. Otherwise the server that granted it
    /// must learn that its holder has heard of it, so that it does not take it back.
    fn mark_delivered(&mut self, number: usize, claim: &Claim, slot: usize, held: &HeldSlot) {
        if claim.requester.is_resumable() && held.entry.revoked.is_some() {
            if let Some(entry) = self.extended(held, claim.ttl) {
                self.change(slot, held, entry, WritePurpose::Claim(number));
            }
        } else if claim.requester.is_resumable() {
            let command = claim.command.as_deref().map(str::to_owned);
            let old = LeaseEntry::clone(&held.entry);
            let command = command.or_else(|| old.command.clone());
            let (ttl, end) = (claim.ttl, self.end_for(claim));
            let entry = LeaseEntry { ttl, end, by: Some(self.job.server), command, ..old };
            self.change(slot, held, entry, WritePurpose::Claim(number));
        } else if self.fresh && !self.job.delivery_is_known(held) {
            let end = if held.prolonged { self.end_of(held) } else { held.entry.end };
            let end = held.entry.ttl.and(end);
            let entry = LeaseEntry { by: None, end, ..LeaseEntry::clone(&held.entry) };
            self.change(slot, held, entry, WritePurpose::Claim(number));
        }
    }

    /// Takes a slot for a claim, if there is one: a free one, or one that a later claim of this job has got in
    /// the meantime.
    fn begin(&mut self, number: usize, claim: &Claim) -> bool {
        let view = &self.job.view;
        if !self.fresh && view.slot_count() > self.job.slots {
            return true; // others may hold more than was seen: look first
        }
        let parking = view.usable_slots(self.job.slots);
        let is_free =
            |slot: &usize| !self.taken.contains(slot) && (self.freed.contains(slot) || view.is_free(*slot));
        let free = (0..parking).find(is_free);
        let job = self.job;
        if job.gives_way(number, |slots| (0..view.usable_slots(slots)).any(|slot| is_free(&slot))) {
            return false;
        }
        let slot = free.or_else(|| {
            let (slot, held) =
                job.later_claim_with_slot(number).filter(|(slot, _)| !self.touched.contains(slot))?;
            self.remove(slot, held, None);
            Some(slot)
        });
        if let Some(slot) = slot {
            self.add(slot, claim);
            self.served.insert(number);
        }
        slot.is_some()
    }
}

impl RenewLease {
    /// How long its holder wants this lease to live from now, and may.
    pub(super) fn wanted(&self, held: &HeldSlot) -> Option<Duration> {
        shorter(self.ttl.or(held.entry.ttl), self.most)
    }
}

impl WritePlan<'_> {
    /// Behind all else, so that it says who waits still.
    fn waiting(&mut self) {
        let Some((own, hints)) = self.job.hints_to_write(|claim| self.served.contains(&claim)) else {
            return;
        };
        let cas = self.job.view.hints.as_ref().map(|hints| hints.cas);
        let end = self.time + whole_seconds(self.job.order.life) + 1;
        self.write(PlannedWrite::Waiting { cas, hints, own, end });
    }
}

/// The shorter of two times; `None` is for ever.
fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
