//! Writes that were sent and whose fate is not known: without an answer they may have happened, may happen later, when
//! nobody waits for them any more, or may never happen.
//!
//! A network or a memcached that stands still delivers what was sent before a connection was closed. So each attempt
//! to take a slot has a lease id of its own, and one without an answer is remembered: its entry is deleted, by its own
//! CAS number, whenever it shows up, and the claim goes on with another id. And as long as a deletion without an
//! answer may still arrive, nobody is told of the entry as it stands: it is changed first.

use std::{collections::HashSet, mem, time::Duration};

use tokio::time::Instant;

use super::{
    entry::ServerRunId,
    job::Job,
    pause::{self, PauseEntry},
    plan::PlannedWrite,
    protocol::MemcacheReply,
    view::{HeldSlot, PoolView},
};
use crate::pool::LeaseId;

/// For how long a write without an answer may still arrive once its memcached answers again: the maximum lifetime of
/// a TCP segment (RFC 9293, section 3.4).
const SEGMENT_LIFETIME: Duration = Duration::from_secs(120);

/// What a pool's server has sent and not settled.
#[derive(Debug, Default, Clone)]
pub(super) struct UnsettledWrites {
    /// The lease ids of adds.
    adds: HashSet<LeaseId>,
    /// The CAS numbers of entries that were to be deleted. They are of no interest once they are not seen any more.
    removes: HashSet<u64>,
    /// Pauses, as they would stand in memcached.
    pauses: HashSet<String>,
    /// Those of them that an operator has ended since.
    withdrawn: HashSet<String>,
}

/// How long that matters.
#[derive(Debug, Default)]
pub(super) struct WriteFates {
    /// What is not settled.
    pub(super) unsettled: UnsettledWrites,
    /// Until when it is remembered.
    until: Option<Instant>,
}

impl UnsettledWrites {
    /// It is known what came of an add: its claim was granted, or its entry deleted.
    pub(super) fn settled(&mut self, id: LeaseId) {
        self.adds.remove(&id);
    }

    /// Takes a complete look over: of an entry that another server has changed somebody was told, and a deletion of
    /// what has another CAS number now fails.
    pub(super) fn see(&mut self, view: &PoolView, server: ServerRunId) {
        let told = view.held().filter(|(_, held)| held.entry.by != Some(server));
        for (_, held) in told {
            self.adds.remove(&held.entry.id);
        }
        self.removes.retain(|cas| view.held().any(|(_, held)| held.cas == *cas));
    }

    /// An operator has ended all pauses so far, also one that is still under way.
    pub(super) fn resumed(&mut self) {
        self.withdrawn.extend(self.pauses.drain());
    }

    /// Whether this pause arrived when an operator had ended it.
    pub(super) fn is_withdrawn(&self, pause: &PauseEntry) -> bool {
        !self.withdrawn.is_empty() && self.withdrawn.contains(&pause::write(&pause.operator))
    }

    /// How many writes may show up that nobody wants any more.
    fn open(&self) -> usize {
        self.adds.len() + self.withdrawn.len()
    }

    /// Whether this entry may be deleted by a write that is still under way.
    pub(super) fn may_vanish(&self, held: &HeldSlot) -> bool {
        self.removes.contains(&held.cas)
    }
}

impl WriteFates {
    /// Takes over what a job has left. The time begins when memcached answers.
    pub(super) fn learn(&mut self, unsettled: UnsettledWrites, is_away: bool, now: Instant) {
        let is_new = unsettled.open() > self.unsettled.open();
        self.unsettled = unsettled;
        if is_away || is_new {
            self.until = Some(now + SEGMENT_LIFETIME);
        } else if self.until.is_some_and(|until| until <= now) {
            *self = Self::default();
        }
    }

    /// Whether writes may show up that nobody wants any more.
    pub(super) fn is_open(&self) -> bool {
        self.unsettled.open() > 0
    }
}

impl Job {
    /// Whether this is the entry of an attempt that was given up: nobody was told of it.
    pub(super) fn is_stray(&self, held: &HeldSlot) -> bool {
        held.entry.by == Some(self.server)
            && self.unsettled.adds.contains(&held.entry.id)
            && !self.begins(held)
    }

    /// Whether something stands in memcached that arrived late, and is deleted before all else.
    pub(super) fn has_strays(&self) -> bool {
        self.late_pause().is_some() || self.strays().next().is_some()
    }

    /// A pause that arrived when an operator had ended it.
    pub(super) fn late_pause(&self) -> Option<&PauseEntry> {
        self.view.paused.as_ref().filter(|pause| self.unsettled.is_withdrawn(pause))
    }

    /// The entries of attempts that were given up.
    pub(super) fn strays(&self) -> impl Iterator<Item = (usize, &HeldSlot)> {
        self.view.held().filter(|(_, held)| self.is_stray(held))
    }

    /// An answer came to a write.
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

    /// No answer came to a write. A claim whose entry may come or go without notice goes on with another one.
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
        testing::{LossyProxy, Memcached, TestServer, host, once, owner},
    };

    /// A server with two slots, which sent an add for this claim and gave it up. Now it arrives.
    fn late(memcached: &Memcached, claim: Claim) -> TestServer {
        let (mut bench, mut network) = (TestServer::new(memcached, 1, 2), TestServer::new(memcached, 1, 2));
        bench.look();
        bench.unsettled.adds.insert(claim.id);
        assert_eq!(network.claim(vec![claim]), [ClaimResult::Granted]);
        bench
    }

    #[test]
    fn an_add_that_arrives_late_is_deleted() {
        let memcached = Memcached::start(&[]);
        for claim in [once("ann"), host("ann"), owner("ann", "o")] {
            let mut bench = late(&memcached, claim);

            assert_eq!(bench.look().taken_from(0), 0);

            assert_eq!(bench.unsettled.adds.len(), 0);
        }
    }

    #[test]
    fn the_slot_of_a_late_add_is_given_to_who_waits() {
        let memcached = Memcached::start(&[]);
        let mut bench = late(&memcached, host("ann"));

        let found = bench.claim(vec![host("ann"), once("bob"), once("cid")]);

        assert_eq!(found, [ClaimResult::Granted, ClaimResult::Granted, ClaimResult::NoSlot]);
        assert_eq!(bench.view.taken_from(0), 2);
    }

    #[test]
    fn a_late_add_of_which_another_server_told_is_a_lease() {
        let memcached = Memcached::start(&[]);
        for ann in [|| host("ann"), || owner("ann", "o")] {
            let claim = ann();
            let id = claim.id;
            let mut bench = late(&memcached, claim);
            let mut other = TestServer::new(&memcached, 2, 2);

            assert_eq!(other.claim(vec![ann()]), [ClaimResult::AlreadyHeld(id)]);

            assert_eq!(bench.claim(vec![ann()]), [ClaimResult::AlreadyHeld(id)]);
            assert!(bench.end(LeaseSelector::Lease(id)));
        }
    }

    #[test]
    fn an_asker_is_told_of_nothing_that_a_late_deletion_may_hit() {
        let memcached = Memcached::start(&[]);
        let mut bench = TestServer::new(&memcached, 1, 2);
        assert_eq!(bench.claim(vec![host("ann")]), [ClaimResult::Granted]);
        let cas = |bench: &TestServer| bench.view.slots[0].as_ref().unwrap().cas;
        let before = cas(&bench);
        bench.unsettled.removes.insert(before);

        assert!(matches!(bench.claim(vec![host("ann")])[..], [ClaimResult::AlreadyHeld(_)]));

        assert_ne!(cas(&bench), before);
        assert_eq!(bench.unsettled.removes.len(), 0);
    }

    #[test]
    fn an_endless_entry_without_an_answer_has_an_end() {
        let memcached = Memcached::start(&[]);
        let proxy = LossyProxy::start(memcached.port);
        let mut bench = TestServer::at(proxy.server(), 1, 1);
        bench.look();
        let endless = || Claim { ttl: None, ..once("ann") };

        proxy.lose(2);
        assert!(bench.run(vec![], vec![], vec![endless()]).1.is_err());
        let mut other = TestServer::new(&memcached, 2, 1);
        let left = |bench: &mut TestServer| bench.look().slots[0].as_ref().unwrap().left;
        assert!(left(&mut other) <= Some(Duration::from_secs(61)) && left(&mut other).is_some());

        assert_eq!(bench.claim(vec![endless()]), [ClaimResult::Granted]);
        assert_eq!(left(&mut other), None);
    }

    #[test]
    fn what_is_not_settled_is_remembered_for_a_while_behind_an_outage() {
        let mut fates = WriteFates::default();
        let start = Instant::now();
        let open = UnsettledWrites { adds: HashSet::from([LeaseId::random()]), ..UnsettledWrites::default() };
        let mut learn = |is_away, now| {
            fates.learn(open.clone(), is_away, now);
            fates.is_open()
        };

        assert!(learn(true, start));
        assert!(learn(true, start + 10 * SEGMENT_LIFETIME));
        assert!(learn(false, start + 11 * SEGMENT_LIFETIME - Duration::from_secs(1)));
        assert!(!learn(false, start + 11 * SEGMENT_LIFETIME));
    }
}
