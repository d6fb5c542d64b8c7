//! Why recent leases of a pool ended: a holder that finds its lease gone gets the reason.

use std::{collections::VecDeque, sync::Arc};

use super::runs::Run;
use crate::pool::{EndReason, ReleaseTarget, Requester};

/// Number of leases remembered that were released, and of those that ended otherwise. A holder asks within seconds of
/// a release that it repeats, and within a third of its `ttl` of any other end; it gets no reason if the pool ends
/// more leases in that time. Both together usually take less than 200 KiB per pool, part of which the history needs
/// anyway, and a search through all of them takes about a microsecond.
const MAX_REMEMBERED: usize = 256;

/// The latest ends in order. Releases do not displace other ends, which their holders do not know yet.
#[derive(Debug, Default)]
pub(super) struct RecentEnds {
    released: VecDeque<Arc<Run>>,
    others: VecDeque<Arc<Run>>,
}

impl RecentEnds {
    /// Adds a run. The lease of a classic host is left out: it cannot be asked for.
    pub(super) fn add(&mut self, run: &Arc<Run>) {
        if matches!(run.lease.requester, Requester::Host(_)) {
            return;
        }
        let ends = if run.lease.how == EndReason::Released { &mut self.released } else { &mut self.others };
        if ends.len() == MAX_REMEMBERED {
            ends.pop_front();
        }
        ends.push_back(Arc::clone(run));
    }

    /// The run of this lease, or the latest one of this requester.
    pub(super) fn of(&self, held: &ReleaseTarget) -> Option<&Arc<Run>> {
        let is_meant = |run: &&Arc<Run>| match held {
            ReleaseTarget::Lease(id) => run.lease.id == Some(*id),
            ReleaseTarget::Requester(requester) => run.lease.requester == *requester,
        };
        let latest = [&self.released, &self.others].map(|ends| ends.iter().rev().find(is_meant));
        latest.into_iter().flatten().max_by_key(|run| run.lease.token)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use distributex_config::Name;

    use super::{super::EndReport, *};
    use crate::pool::{EndedLease, LeaseId, Token};

    fn end(token: u64, how: EndReason) -> Arc<Run> {
        let owner = Name::new("run1").unwrap();
        let lease = EndedLease {
            token: Token(token),
            id: Some(LeaseId::random()),
            requester: Requester::Owner { host: Name::new("web1").unwrap(), owner },
            command: None,
            waited: Duration::ZERO,
            held: Duration::ZERO,
            how,
            by: None,
            revoked: None,
        };
        Arc::new(Run::new(lease, EndReport::default()))
    }

    #[test]
    fn releases_do_not_push_other_ends_out_and_both_are_bounded() {
        let mut endings = RecentEnds::default();
        let expired: Vec<_> = (0..300).map(|token| end(token, EndReason::Expired)).collect();
        let released: Vec<_> = (300..1_000).map(|token| end(token, EndReason::Released)).collect();

        expired.iter().chain(&released).for_each(|run| endings.add(run));

        let found = |run: &Arc<Run>| endings.of(&ReleaseTarget::Lease(run.lease.id.unwrap())).is_some();
        assert_eq!(expired.iter().filter(|run| found(run)).count(), MAX_REMEMBERED);
        assert_eq!(released.iter().filter(|run| found(run)).count(), MAX_REMEMBERED);
        let latest = endings.of(&ReleaseTarget::Requester(released[0].lease.requester.clone())).unwrap();
        assert_eq!(latest.lease.token, Token(999));
    }
}
