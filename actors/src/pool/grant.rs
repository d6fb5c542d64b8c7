//! A lease on its way to whoever asked for it.

use actix::Addr;
use prometheus::Histogram;
use tokio::time::Instant;

use super::{LeaseDetails, actor::PoolActor, actor::Undelivered};

/// Tells one asker of a lease. Whoever passes it on says so with [`Grant::delivered`]; a grant that is dropped
/// before goes back to its pool, wherever that happens: in the actor, in a channel, in a handler that ended.
///
/// If no other answer tells of it, the pool then keeps the lease for an asker that comes back, and ends it
/// if there is none.
#[derive(Debug)]
pub struct Grant {
    /// The lease.
    pub lease: LeaseDetails,
    /// Whether its asker was told of it before.
    pub again: bool,
    /// Where to go back to; `None` once the grant was heard.
    pool: Option<Addr<PoolActor>>,
    /// When its slot came free, and where is counted how long the answer took from then on.
    freed: Option<(Instant, Histogram)>,
}

impl Grant {
    pub(super) fn new(
        lease: LeaseDetails,
        again: bool,
        pool: Addr<PoolActor>,
        freed: Option<(Instant, Histogram)>,
    ) -> Self {
        Self { lease, again, pool: Some(pool), freed }
    }

    /// The asker is being told now: the lease stays, whatever becomes of the answer from here on.
    pub fn delivered(mut self) {
        self.pool = None;
        if let Some((freed, handover)) = self.freed.take() {
            handover.observe(freed.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.do_send(Undelivered(self.lease.token));
        }
    }
}
