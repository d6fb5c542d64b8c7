//! How recent leases of a pool ended, for those who held them: a holder that finds its lease gone can then be told why.

use std::{collections::VecDeque, sync::Arc};

use super::runs::Run;
use crate::pool::{Asker, Ending, Held};

/// The number of leases remembered that were released, and of those that ended otherwise. A holder asks within
/// seconds of a release that it repeats, and within a third of its `ttl` of any other end: it is told nothing if a pool
/// ends more leases in that time. Both together usually take less than 200 KiB per pool, of which the history has its part
/// anyway, and a search through all of them takes about a microsecond.
const REMEMBERED: usize = 256;

/// The latest ends, in the order in which they happened. Releases do not push the other ends out: those are what
/// their holders do not know yet.
#[derive(Debug, Default)]
pub(super) struct Endings {
    released: VecDeque<Arc<Run>>,
    others: VecDeque<Arc<Run>>,
}

impl Endings {
    /// A lease is over. That of a classic host cannot be asked for.
    pub(super) fn add(&mut self, run: &Arc<Run>) {
        if matches!(run.lease.asker, Asker::Host(_)) {
            return;
        }
        let ends = if run.lease.how == Ending::Released { &mut self.released } else { &mut self.others };
        if ends.len() == REMEMBERED {
            ends.pop_front();
        }
        ends.push_back(Arc::clone(run));
    }

    /// The end of the lease that this names, or of the latest one of this requester.
    pub(super) fn of(&self, held: &Held) -> Option<&Arc<Run>> {
        let is_meant = |run: &&Arc<Run>| match held {
            Held::Lease(id) => run.lease.id == Some(*id),
            Held::By(asker) => run.lease.asker == *asker,
        };
        let latest = [&self.released, &self.others].map(|ends| ends.iter().rev().find(is_meant));
        latest.into_iter().flatten().max_by_key(|run| run.lease.token)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use distributex_config::Name;

    use super::{super::Report, *};
    use crate::pool::{Ended, LeaseId, Token};

    fn end(token: u64, how: Ending) -> Arc<Run> {
        let owner = Name::new("run1").unwrap();
        let lease = Ended {
            token: Token(token),
            id: Some(LeaseId::random()),
            asker: Asker::Owner { host: Name::new("web1").unwrap(), owner },
            command: None,
            waited: Duration::ZERO,
            held: Duration::ZERO,
            how,
            by: None,
            revoked: None,
        };
        Arc::new(Run::new(lease, Report::default()))
    }

    #[test]
    fn releases_do_not_push_other_ends_out_and_both_are_bounded() {
        let mut endings = Endings::default();
        let expired: Vec<_> = (0..300).map(|token| end(token, Ending::Expired)).collect();
        let released: Vec<_> = (300..1_000).map(|token| end(token, Ending::Released)).collect();

        expired.iter().chain(&released).for_each(|run| endings.add(run));

        let found = |run: &Arc<Run>| endings.of(&Held::Lease(run.lease.id.unwrap())).is_some();
        assert_eq!(expired.iter().filter(|run| found(run)).count(), REMEMBERED);
        assert_eq!(released.iter().filter(|run| found(run)).count(), REMEMBERED);
        let latest = endings.of(&Held::By(released[0].lease.asker.clone())).unwrap();
        assert_eq!(latest.lease.token, Token(999));
    }
}
