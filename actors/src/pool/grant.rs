//! Guard of a lease on its way to its requester.

use actix::Addr;
use prometheus::Histogram;
use tokio::time::Instant;

use super::{LeaseDetails, actor::PoolActor, actor::Undelivered};

/// Carries a lease to one request. The response path calls [`Grant::delivered`]; a grant that is dropped before that
/// is returned to its pool, wherever it happens: in the actor, in a channel, in a handler that was cancelled.
///
/// If no other response carries the lease, the pool then keeps it for the patience of a resumable requester, and ends
/// it otherwise.
#[derive(Debug)]
pub struct Grant {
    /// The lease.
    pub lease: LeaseDetails,
    /// Whether an earlier response carried it.
    pub again: bool,
    /// The pool to return to; `None` once delivered.
    pool: Option<Addr<PoolActor>>,
    /// When its slot became free, and the histogram of the time from then to the response.
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

    /// Marks the response as being sent: the lease stays, whatever happens to the response from here on.
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
