//! What an operator did and was not written down is undone: the operator is told that it failed.

use super::{Lever, Operator, Ticket, lease::Lease, line::Waiter, rules::Rules};

/// What an admin action changes, as it was before.
#[derive(Debug)]
pub enum Before {
    /// Who had paused the pool.
    Paused(Option<Operator>),
    /// A lease before it was revoked.
    Unrevoked(Box<Lease>),
    /// A lease before it was ended.
    Held(Box<Lease>),
    /// A waiter before it was moved.
    Unmoved(Ticket, Box<Waiter>),
    /// A waiter before it was removed.
    Waiting(Ticket, Box<Waiter>),
}

impl Rules {
    /// What this action would change; `None` if there is no such lease or waiter.
    #[must_use]
    pub fn before(&self, lever: Lever) -> Option<Before> {
        let lease = |token| self.leases.get(token).cloned().map(Box::new);
        let waiter = |ticket| self.line.get(ticket).cloned().map(Box::new);
        match lever {
            Lever::Pause | Lever::Resume => Some(Before::Paused(self.paused.clone())),
            Lever::Revoke(token, _) => lease(token).map(Before::Unrevoked),
            Lever::Release(token) => lease(token).map(Before::Held),
            Lever::Front(ticket) => waiter(ticket).map(|waiter| Before::Unmoved(ticket, waiter)),
            Lever::Remove(ticket) => waiter(ticket).map(|waiter| Before::Waiting(ticket, waiter)),
        }
    }

    /// Lets that be as it was before. What ended by itself meanwhile does not come back.
    pub fn undo(&mut self, before: Before) {
        match before {
            Before::Paused(paused) => self.set_paused(paused),
            Before::Unrevoked(lease) => {
                self.leases.change(lease.token, |now| now.revoked = lease.revoked);
            }
            Before::Held(lease) => {
                if self.leases.of(&lease.asker).is_none() {
                    self.leases.begin(*lease);
                }
            }
            Before::Unmoved(ticket, before) => {
                if let Some(now) = self.line.leave(ticket) {
                    self.line.put_back(vec![(ticket, Waiter { moved: before.moved, ..now })]);
                }
            }
            Before::Waiting(ticket, waiter) => self.line.put_back(vec![(ticket, *waiter)]),
        }
    }
}
