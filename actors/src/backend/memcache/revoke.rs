//! Revoking leases: the note stands in the lease's entry, so that renewals at every server see it and keep it.
//!
//! From then on memcached alone ends the lease: no server knows exactly what its holder was told by the others. A
//! renewal changes the entry only if that lets it end later; else it stays as it is, and is answered with what is
//! surely left.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Memcache,
    entry::LeaseEntry,
    job::Job,
    plan::{WritePlan, WritePurpose},
    view::{HeldSlot, whole_seconds},
};
use crate::pool::{
    AdminOutcome, Event, LeaseId, Operator, Refusal, RequestId, Requester, Revocation, Token, rules::refuse,
};

/// So much later than the note says may the slot be free: memcached's clock counts in seconds, and keeps entries for
/// a second more.
const END_UNCERTAINTY: Duration = Duration::from_secs(2);

/// What stands in the entry of a revoked lease.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RevocationNote {
    /// Who revoked it, why and when.
    pub(super) operator: Operator,
    /// No renewal extends it beyond this: seconds since 1970 by memcached's clock.
    pub(super) end: u64,
}

/// A lease to revoke.
#[derive(Debug)]
pub(super) struct RevokeLease {
    /// Which one.
    pub(super) id: LeaseId,
    /// For how long renewals extend it at most; `None`: for its time to live.
    pub(super) within: Option<Duration>,
    /// Who wants that.
    pub(super) operator: Operator,
    /// Whether it was there, and is revoked; `None`: not known yet.
    pub(super) is_done: Option<bool>,
}

impl HeldSlot {
    /// For how long a revoked lease can be extended whose holder wants this; `None`: it stays as it is.
    pub(super) fn extension(&self, wanted: Option<Duration>) -> Option<Duration> {
        let (note, wanted) = (self.entry.revoked.as_ref()?, wanted?);
        let Some(left) = self.left else { return Some(wanted) }; // it gets an end at last
        let parking = Duration::from_secs(note.end.saturating_sub(self.time()?));
        let ttl = wanted.min(parking);
        (whole_seconds(ttl) + 1 > left.as_secs()).then_some(ttl)
    }

    /// Who revoked the lease, as anybody may know.
    pub(super) fn revoked(&self, now: Instant) -> Option<Arc<Revocation>> {
        let RevocationNote { operator, end } = self.entry.revoked.as_ref()?;
        let is_renewed = !matches!(self.entry.requester, Requester::Host(_));
        let time = self.time().filter(|_| is_renewed);
        let parking = time.map(|time| Duration::from_secs(end.saturating_sub(time)) + END_UNCERTAINTY);
        let end = now + self.left.into_iter().chain(parking).max().unwrap_or_default();
        Some(Arc::new(Revocation { operator: operator.clone(), end }))
    }
}

impl Job {
    /// Whether a lease is not to be changed for a renewal or a repeated request that wants this: it is revoked.
    pub(super) fn leaves(&self, held: &HeldSlot, wanted: Option<Duration>) -> bool {
        held.entry.revoked.is_some() && (self.refused.is_some() || held.extension(wanted).is_none())
    }

    /// Takes over what a look says of leases to revoke.
    pub(super) fn settle_revokes(&mut self) {
        for revoke in self.revokes.iter_mut().filter(|revoke| revoke.is_done.is_none()) {
            if self.view.lease(revoke.id).is_none() {
                revoke.is_done = Some(false);
            }
        }
    }
}

impl WritePlan<'_> {
    pub(super) fn revokes(&mut self) {
        let job = self.job;
        for (number, revoke) in job.revokes.iter().enumerate().filter(|(_, revoke)| revoke.is_done.is_none())
        {
            let Some((slot, held)) = job.view.lease(revoke.id) else { continue };
            let within = revoke.within.or(held.entry.ttl).unwrap_or_default();
            let earlier = held.entry.revoked.as_ref().map(|note| note.end);
            let end = earlier.into_iter().chain([self.time + whole_seconds(within)]).min();
            let note = end.map(|end| RevocationNote { operator: revoke.operator.clone(), end });
            let end = if held.prolonged { self.end_of(held) } else { held.entry.end };
            let entry = LeaseEntry { revoked: note, by: None, end, ..LeaseEntry::clone(&held.entry) };
            self.change(slot, held, entry, WritePurpose::Revoke(number));
        }
    }

    /// What a revoked lease becomes when its holder wants it to live for so long; `None`: it stays as it is. What was
    /// seen of it may be old: then it is looked at first.
    pub(super) fn extended(&self, held: &HeldSlot, wanted: Option<Duration>) -> Option<LeaseEntry> {
        if !self.fresh || self.job.leaves(held, wanted) {
            return None;
        }
        let ttl = held.extension(wanted);
        let end = self.end_at_least(ttl).max(held.entry.end);
        Some(LeaseEntry { ttl, end, by: None, ..LeaseEntry::clone(&held.entry) })
    }

    /// When memcached ends an entry whose date is not the one in it; no earlier.
    pub(super) fn end_of(&self, held: &HeldSlot) -> Option<u64> {
        held.left.map(|left| self.time + left.as_secs() + 1)
    }
}

impl Memcache {
    /// Tells the operators what became of the leases that they revoked.
    pub(super) fn settle_revokes(
        &mut self,
        asked: &[(RequestId, Token)],
        revokes: &[RevokeLease],
        out: &mut Vec<Event>,
    ) {
        for ((request, token), revoke) in asked.iter().zip(revokes) {
            let lease = self.rules.lease(*token).and_then(|lease| Some((lease, lease.revoked.as_ref()?)));
            let what = lease.map(|(lease, revoked)| AdminOutcome::Revoked {
                host: lease.requester.host().clone(),
                until: lease.free_at().map(|end| end.max(revoked.end)),
                notified: lease.is_renewed(),
            });
            match revoke.is_done {
                Some(is_done) => {
                    out.push(Event::ActionApplied { request: *request, what: what.filter(|_| is_done) });
                }
                None => refuse(*request, Refusal::BackendDown, None, out),
            }
        }
    }
}
