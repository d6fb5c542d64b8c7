//! A lease on its way to whoever asked for it.

use std::time::Duration;

use actix::Addr;

use super::{Granted, Token, actor::PoolActor, actor::Unheard};

/// Tells one asker of a lease. Whoever passes it on says so with [`Grant::heard`]; a grant that is dropped
/// before goes back to its pool, wherever that happens: in the actor, in a channel, in a handler that ended.
///
/// The pool then ends the lease, if no other answer tells of it.
#[derive(Debug)]
pub struct Grant {
    /// The lease's fencing number.
    pub token: Token,
    /// How long the asker stood in line.
    pub waited: Duration,
    /// Where to go back to; `None` once the grant was heard.
    pool: Option<Addr<PoolActor>>,
}

impl Grant {
    pub(super) fn new(granted: &Granted, pool: Addr<PoolActor>) -> Self {
        Self { token: granted.token, waited: granted.waited, pool: Some(pool) }
    }

    /// The asker is being told now: the lease stays, whatever becomes of the answer from here on.
    pub fn heard(mut self) {
        self.pool = None;
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.do_send(Unheard(self.token));
        }
    }
}
