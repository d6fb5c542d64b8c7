//! Revocation of leases: a note in the lease's entry, so that renewals at every server see and keep it.
//!
//! A revoked lease is ended by memcached alone, as no server knows exactly what the others have answered to its
//! holder. A renewal changes the entry only if that extends the lease; otherwise the entry stays as it is, and the
//! answer is what certainly remains.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Job,
    plan::WritePlan,
    planned_write::WritePurpose,
    view::{HeldSlot, whole_seconds},
};
use crate::{
    backend::memcache::{Memcache, entry::LeaseEntry},
    pool::{
        AdminOutcome, Event, LeaseId, Operator, Refusal, RequestId, Requester, Revocation, Token,
        rules::refuse,
    },
};

/// How much later than noted the slot may be free: memcached counts in seconds, and keeps entries for a second more.
const END_UNCERTAINTY: Duration = Duration::from_secs(2);

/// Revocation in a lease's entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RevocationNote {
    /// Author, reason and time.
    pub(crate) operator: Operator,
    /// Renewals do not extend the lease beyond this: seconds since 1970 by memcached's clock.
    pub(crate) end: u64,
}

/// A lease to be revoked.
#[derive(Debug)]
pub(crate) struct RevokeLease {
    /// Lease id.
    pub(crate) id: LeaseId,
    /// Limit of renewals from now; `None`: the lease's ttl.
    pub(crate) within: Option<Duration>,
    /// Author and reason.
    pub(crate) operator: Operator,
    /// Whether it existed, and is revoked; `None`: not known yet.
    pub(crate) is_done: Option<bool>,
}

impl HeldSlot {
    /// Time for which a renewal of a revoked lease extends it; `None`: it stays as it is.
    pub(crate) fn extension(&self, wanted: Option<Duration>) -> Option<Duration> {
        let (note, wanted) = (self.entry.revoked.as_ref()?, wanted?);
        let Some(left) = self.left else { return Some(wanted) }; // a lease without an end gets one
        let allowed = Duration::from_secs(note.end.saturating_sub(self.time()?));
        let ttl = wanted.min(allowed);
        (whole_seconds(ttl) + 1 > left.as_secs()).then_some(ttl)
    }

    /// The revocation, as clients see it.
    pub(crate) fn revoked(&self, now: Instant) -> Option<Arc<Revocation>> {
        let RevocationNote { operator, end } = self.entry.revoked.as_ref()?;
        let is_renewed = !matches!(self.entry.requester, Requester::Host(_));
        let time = self.time().filter(|_| is_renewed);
        let allowed = time.map(|time| Duration::from_secs(end.saturating_sub(time)) + END_UNCERTAINTY);
        let end = now + self.left.into_iter().chain(allowed).max().unwrap_or_default();
        Some(Arc::new(Revocation { operator: operator.clone(), end }))
    }
}

impl Job {
    /// Whether a renewal or a repeated request leaves the lease unchanged because it is revoked.
    pub(crate) fn leaves(&self, held: &HeldSlot, wanted: Option<Duration>) -> bool {
        held.entry.revoked.is_some() && (self.refused.is_some() || held.extension(wanted).is_none())
    }

    /// Settles revocations by a complete read.
    pub(crate) fn settle_revokes(&mut self) {
        for revoke in self.revokes.iter_mut().filter(|revoke| revoke.is_done.is_none()) {
            if self.view.lease(revoke.id).is_none() {
                revoke.is_done = Some(false);
            }
        }
    }
}

impl WritePlan<'_> {
    pub(crate) fn revokes(&mut self) {
        let job = self.job;
        for (index, revoke) in job.revokes.iter().enumerate().filter(|(_, revoke)| revoke.is_done.is_none()) {
            let Some((slot, held)) = job.view.lease(revoke.id) else { continue };
            let within = revoke.within.or(held.entry.ttl).unwrap_or_default();
            let earlier = held.entry.revoked.as_ref().map(|note| note.end);
            let end = earlier.into_iter().chain([self.time + whole_seconds(within)]).min();
            let note = end.map(|end| RevocationNote { operator: revoke.operator.clone(), end });
            let end = if held.prolonged { self.end_of(held) } else { held.entry.end };
            let entry = LeaseEntry { revoked: note, by: None, end, ..LeaseEntry::clone(&held.entry) };
            self.change(slot, held, entry, WritePurpose::Revoke(index));
        }
    }

    /// New entry of a revoked lease whose holder renews it for `wanted`; `None`: it stays as it is. An old view is
    /// read again first.
    pub(crate) fn extended(&self, held: &HeldSlot, wanted: Option<Duration>) -> Option<LeaseEntry> {
        if !self.fresh || self.job.leaves(held, wanted) {
            return None;
        }
        let ttl = held.extension(wanted);
        let end = self.end_at_least(ttl).max(held.entry.end);
        Some(LeaseEntry { ttl, end, by: None, ..LeaseEntry::clone(&held.entry) })
    }

    /// When memcached ends an entry whose expiry is not the one stored in it; rounded up.
    pub(crate) fn end_of(&self, held: &HeldSlot) -> Option<u64> {
        held.left.map(|left| self.time + left.as_secs() + 1)
    }
}

impl Memcache {
    /// Answers the operators who revoked leases.
    pub(crate) fn settle_revokes(
        &mut self,
        requests: &[(RequestId, Token)],
        revokes: &[RevokeLease],
        out: &mut Vec<Event>,
    ) {
        for ((request, token), revoke) in requests.iter().zip(revokes) {
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
