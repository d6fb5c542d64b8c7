//! Unsettled writes: sent without a reply, they may have happened, may happen later, or may never happen.
//!
//! A network or a frozen memcached delivers what was sent before a connection was closed. So each attempt
//! to take a slot has its own lease id, and one without a reply is remembered: its entry is deleted, by its CAS
//! number, whenever it appears, and the claim continues with another id. While a deletion without a reply may still
//! arrive, the entry as it is cannot be delivered: it is changed first.

use std::{collections::HashSet, mem, time::Duration};

use tokio::time::Instant;

use super::{
    entry::{
        ServerRunId,
        pause::{self, PauseEntry},
    },
    job::{
        Job,
        planned_write::PlannedWrite,
        view::{HeldSlot, PoolView},
    },
    shard::protocol::MemcacheReply,
};
use crate::pool::LeaseId;

/// How long a write without a reply may still arrive after its memcached replies again: the maximum lifetime of a TCP
/// segment (RFC 9293, section 3.4).
const SEGMENT_LIFETIME: Duration = Duration::from_secs(120);

/// Unsettled writes of this server to one pool.
#[derive(Debug, Default, Clone)]
pub(super) struct UnsettledWrites {
    /// Lease ids of adds.
    adds: HashSet<LeaseId>,
    /// CAS numbers of entries that were to be deleted. They no longer matter once they are not seen.
    removes: HashSet<u64>,
    /// Values of pauses.
    pauses: HashSet<String>,
    /// Pauses among them that an operator has ended since.
    withdrawn: HashSet<String>,
}

/// Unsettled writes, with the time until which they matter.
#[derive(Debug, Default)]
pub(super) struct WriteFates {
    /// The writes.
    pub(super) unsettled: UnsettledWrites,
    /// When they are forgotten; `None` while memcached has not replied.
    until: Option<Instant>,
}

impl UnsettledWrites {
    /// Settles an add: its claim was granted, or its entry deleted.
    pub(super) fn settled(&mut self, id: LeaseId) {
        self.adds.remove(&id);
    }

    /// Settles writes by a complete read: an entry that another server has changed was delivered, and the deletion of
    /// an entry with another CAS number now fails.
    pub(super) fn settle_by(&mut self, view: &PoolView, server: ServerRunId) {
        let delivered = view.held().filter(|(_, held)| held.entry.by != Some(server));
        for (_, held) in delivered {
            self.adds.remove(&held.entry.id);
        }
        self.removes.retain(|cas| view.held().any(|(_, held)| held.cas == *cas));
    }

    /// An operator has ended all pauses so far, including unsettled ones.
    pub(super) fn resumed(&mut self) {
        self.withdrawn.extend(self.pauses.drain());
    }

    /// Whether this pause arrived after an operator had ended it.
    pub(super) fn is_withdrawn(&self, pause: &PauseEntry) -> bool {
        !self.withdrawn.is_empty() && self.withdrawn.contains(&pause::write(&pause.operator))
    }

    /// Number of writes that may appear although they are obsolete.
    fn open(&self) -> usize {
        self.adds.len() + self.withdrawn.len()
    }

    /// Whether an unsettled write may still delete this entry.
    pub(super) fn may_vanish(&self, held: &HeldSlot) -> bool {
        self.removes.contains(&held.cas)
    }
}

impl WriteFates {
    /// Adopts the unsettled writes of a job. Their time begins when memcached replies.
    pub(super) fn update(&mut self, unsettled: UnsettledWrites, is_away: bool, now: Instant) {
        let is_new = unsettled.open() > self.unsettled.open();
        self.unsettled = unsettled;
        if is_away || is_new {
            self.until = Some(now + SEGMENT_LIFETIME);
        } else if self.until.is_some_and(|until| until <= now) {
            *self = Self::default();
        }
    }

    /// Whether writes may appear although they are obsolete.
    pub(super) fn is_open(&self) -> bool {
        self.unsettled.open() > 0
    }
}

impl Job {
    /// Whether this is the entry of an abandoned attempt, which was not delivered.
    pub(super) fn is_stray(&self, held: &HeldSlot) -> bool {
        held.entry.by == Some(self.server)
            && self.unsettled.adds.contains(&held.entry.id)
            && !self.begins(held)
    }

    /// Whether the view shows entries that arrived late, and are to be deleted before anything else.
    pub(super) fn has_strays(&self) -> bool {
        self.late_pause().is_some() || self.strays().next().is_some()
    }

    /// A pause that arrived after an operator had ended it.
    pub(super) fn late_pause(&self) -> Option<&PauseEntry> {
        self.view.paused.as_ref().filter(|pause| self.unsettled.is_withdrawn(pause))
    }

    /// Entries of abandoned attempts.
    pub(super) fn strays(&self) -> impl Iterator<Item = (usize, &HeldSlot)> {
        self.view.held().filter(|(_, held)| self.is_stray(held))
    }

    /// Settles a write by its reply.
    pub(super) fn answered(&mut self, write: &PlannedWrite, answer: &MemcacheReply) {
        match (write, answer) {
            (PlannedWrite::Add { entry, .. }, MemcacheReply::Done) => {
                self.unsettled.adds.insert(entry.id);
            }
            (PlannedWrite::Remove { slot, .. }, MemcacheReply::Done) => {
                let held = self.view.slots.get(*slot).and_then(Option::as_ref);
                let id = held.map(|held| held.entry.id);
                id.inspect(|id| self.unsettled.settled(*id));
            }
            _ => {}
        }
    }

    /// Remembers a write without a reply. A claim whose entry may appear or vanish continues with another id.
    pub(super) fn unanswered(&mut self, write: &PlannedWrite) {
        let id = match write {
            PlannedWrite::Pause { cas: None, to: Some(operator) } => {
                self.unsettled.pauses.insert(pause::write(operator));
                None
            }
            PlannedWrite::Add { entry, .. } => Some(entry.id),
            PlannedWrite::Remove { slot, cas, .. } => {
                self.unsettled.removes.insert(*cas);
                self.view.slots.get(*slot).and_then(|held| Some(held.as_ref()?.entry.id))
            }
            PlannedWrite::Pause { .. }
            | PlannedWrite::Width { .. }
            | PlannedWrite::Waiting { .. }
            | PlannedWrite::Change { .. }
            | PlannedWrite::Prolong { .. } => None,
        };
        for claim in self.claims.iter_mut().filter(|claim| Some(claim.id) == id) {
            self.unsettled.adds.insert(mem::replace(&mut claim.id, LeaseId::random()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memcache::{
        job::{Claim, ClaimResult, LeaseSelector},
        tests::testing::{LossyProxy, Memcached, TestServer, host, once, owner},
    };

    /// A server with two slots that sent an add for this claim and abandoned it; then the add arrives.
    fn late(memcached: &Memcached, claim: Claim) -> TestServer {
        let (mut server, mut network) = (TestServer::new(memcached, 1, 2), TestServer::new(memcached, 1, 2));
        server.read_pool();
        server.unsettled.adds.insert(claim.id);
        assert_eq!(network.claim(vec![claim]), [ClaimResult::Granted]);
        server
    }

    #[test]
    fn a_late_add_is_deleted() {
        let memcached = Memcached::start(&[]);
        for claim in [once("ann"), host("ann"), owner("ann", "o")] {
            let mut server = late(&memcached, claim);

            assert_eq!(server.read_pool().taken_from(0), 0);

            assert_eq!(server.unsettled.adds.len(), 0);
        }
    }

    #[test]
    fn the_slot_of_a_late_add_goes_to_a_waiter() {
        let memcached = Memcached::start(&[]);
        let mut server = late(&memcached, host("ann"));

        let found = server.claim(vec![host("ann"), once("bob"), once("cid")]);

        assert_eq!(found, [ClaimResult::Granted, ClaimResult::Granted, ClaimResult::NoSlot]);
        assert_eq!(server.view.taken_from(0), 2);
    }

    #[test]
    fn a_late_add_that_another_server_delivered_is_a_lease() {
        let memcached = Memcached::start(&[]);
        for ann in [|| host("ann"), || owner("ann", "o")] {
            let claim = ann();
            let id = claim.id;
            let mut server = late(&memcached, claim);
            let mut other = TestServer::new(&memcached, 2, 2);

            assert_eq!(other.claim(vec![ann()]), [ClaimResult::AlreadyHeld(id)]);

            assert_eq!(server.claim(vec![ann()]), [ClaimResult::AlreadyHeld(id)]);
            assert!(server.end(LeaseSelector::Lease(id)));
        }
    }

    #[test]
    fn no_lease_is_delivered_that_a_late_deletion_may_hit() {
        let memcached = Memcached::start(&[]);
        let mut server = TestServer::new(&memcached, 1, 2);
        assert_eq!(server.claim(vec![host("ann")]), [ClaimResult::Granted]);
        let cas = |server: &TestServer| server.view.slots[0].as_ref().unwrap().cas;
        let before = cas(&server);
        server.unsettled.removes.insert(before);

        assert!(matches!(server.claim(vec![host("ann")])[..], [ClaimResult::AlreadyHeld(_)]));

        assert_ne!(cas(&server), before);
        assert_eq!(server.unsettled.removes.len(), 0);
    }

    #[test]
    fn an_endless_lease_has_an_end_until_its_write_is_confirmed() {
        let memcached = Memcached::start(&[]);
        let proxy = LossyProxy::start(memcached.port);
        let mut server = TestServer::at(proxy.server(), 1, 1);
        server.read_pool();
        let endless = || Claim { ttl: None, ..once("ann") };

        proxy.lose(2);
        assert!(server.run(vec![], vec![], vec![endless()]).1.is_err());
        let mut other = TestServer::new(&memcached, 2, 1);
        let left = |server: &mut TestServer| server.read_pool().slots[0].as_ref().unwrap().left;
        assert!(left(&mut other) <= Some(Duration::from_secs(61)) && left(&mut other).is_some());

        assert_eq!(server.claim(vec![endless()]), [ClaimResult::Granted]);
        assert_eq!(left(&mut other), None);
    }

    #[test]
    fn unsettled_writes_are_remembered_after_an_outage() {
        let mut fates = WriteFates::default();
        let start = Instant::now();
        let open = UnsettledWrites { adds: HashSet::from([LeaseId::random()]), ..UnsettledWrites::default() };
        let mut update = |is_away, now| {
            fates.update(open.clone(), is_away, now);
            fates.is_open()
        };

        assert!(update(true, start));
        assert!(update(true, start + 10 * SEGMENT_LIFETIME));
        assert!(update(false, start + 11 * SEGMENT_LIFETIME - Duration::from_secs(1)));
        assert!(!update(false, start + 11 * SEGMENT_LIFETIME));
    }
}
