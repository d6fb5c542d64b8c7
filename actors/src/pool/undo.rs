//! Undo of admin actions that could not be persisted; their operators get an error.

use super::{AdminAction, Operator, Ticket, lease::Lease, queue::Waiter, rules::Rules};

/// What an admin action changes, before the change.
#[derive(Debug)]
pub enum UndoState {
    /// The pause.
    Paused(Option<Operator>),
    /// A lease to be revoked.
    Unrevoked(Box<Lease>),
    /// A lease to be ended.
    Held(Box<Lease>),
    /// A waiter to be promoted.
    Unmoved(Ticket, Box<Waiter>),
    /// A waiter to be evicted.
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

    /// Restores the state before an action. Leases and waiters that ended meanwhile stay ended.
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
