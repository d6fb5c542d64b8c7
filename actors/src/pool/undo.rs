//! What an operator did and was not written down is undone: the operator is told that it failed.

use super::{AdminAction, Operator, Ticket, lease::Lease, queue::Waiter, rules::Rules};

/// What an admin action changes, as it was before.
#[derive(Debug)]
pub enum UndoState {
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
    pub fn undo_state(&self, action: AdminAction) -> Option<UndoState> {
        let lease = |token| self.leases.get(token).cloned().map(Box::new);
        let waiter = |ticket| self.queue.get(ticket).cloned().map(Box::new);
        match action {
            AdminAction::Pause | AdminAction::Resume => Some(UndoState::Paused(self.paused.clone())),
            AdminAction::Revoke(token, _) => lease(token).map(UndoState::Unrevoked),
            AdminAction::ForceRelease(token) => lease(token).map(UndoState::Held),
            AdminAction::Promote(ticket) => waiter(ticket).map(|waiter| UndoState::Unmoved(ticket, waiter)),
            AdminAction::Evict(ticket) => waiter(ticket).map(|waiter| UndoState::Waiting(ticket, waiter)),
        }
    }

    /// Lets that be as it was before. What ended by itself meanwhile does not come back.
    pub fn undo(&mut self, before: UndoState) {
        match before {
            UndoState::Paused(paused) => self.set_paused(paused),
            UndoState::Unrevoked(lease) => {
                self.leases.change(lease.token, |now| now.revoked = lease.revoked);
            }
            UndoState::Held(lease) => {
                if self.leases.token_of(&lease.requester).is_none() {
                    self.leases.begin(*lease);
                }
            }
            UndoState::Unmoved(ticket, before) => {
                if let Some(now) = self.queue.remove(ticket) {
                    self.queue.put_back(vec![(ticket, Waiter { moved: before.moved, ..now })]);
                }
            }
            UndoState::Waiting(ticket, waiter) => self.queue.put_back(vec![(ticket, *waiter)]),
        }
    }
}
