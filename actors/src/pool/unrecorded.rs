//! Grants that are not on the disk yet. If they cannot be written down, nobody has lost a position by them.
//!
//! ```text
//!  grant ─┬ recorded ──► answered
//!         └ failed ────► taken back: the lease is over, its waiters stand where they stood, their requests open
//! ```

use std::collections::{BTreeMap, HashSet};

use super::{Event, RequestId, Ticket, Token, queue::Waiter, rules::Rules};

/// The waiters that each such grant took out of the queue; none if its asker never stood there.
#[derive(Debug, Default)]
pub(super) struct Unrecorded(BTreeMap<Token, Vec<(Ticket, Waiter)>>);

impl Unrecorded {
    /// Notes who was taken out of the queue for this grant.
    pub(super) fn note(&mut self, token: Token, waiters: &[(Ticket, Waiter)]) {
        self.0.insert(token, waiters.to_vec());
    }

    /// The request of a waiter ended before its grant was recorded.
    pub(super) fn leave(&mut self, request: RequestId) {
        let mut waiters = self.0.values_mut().flatten().map(|(_, waiter)| waiter);
        if let Some(waiter) = waiters.find(|waiter| waiter.present == Some(request)) {
            waiter.present = None;
        }
    }
}

impl Rules {
    /// This grant is on the disk, or over.
    pub fn recorded(&mut self, token: Token) {
        self.unrecorded.0.remove(&token);
    }

    /// Ends all leases that are not on the disk, as if they had never been granted: nothing is told of them, and their
    /// waiters stand where they stood. Returns the tokens of these leases. While this happens the pool is suspended.
    pub fn take_back(&mut self, out: &mut Vec<Event>) -> HashSet<Token> {
        let (mut tokens, mut waiters) = (HashSet::new(), Vec::new());
        for (token, taken) in std::mem::take(&mut self.unrecorded.0) {
            if self.leases.end(token).is_some() {
                tokens.insert(token);
                waiters.extend(taken);
            }
        }
        let tickets: Vec<_> = waiters.iter().map(|(ticket, _)| *ticket).collect();
        self.queue.put_back(waiters);
        for ticket in tickets {
            let left = self.queue.get(ticket);
            if left.is_some_and(|waiter| waiter.present.is_none() && waiter.patience.is_zero()) {
                self.remove_waiter(ticket, out);
            }
        }
        tokens
    }

    /// Whether this lease has not ended.
    #[must_use]
    pub fn has(&self, token: Token) -> bool {
        self.leases.get(token).is_some()
    }

    /// Whether this request is parked.
    #[must_use]
    pub fn is_parked(&self, request: RequestId) -> bool {
        self.queue.ticket_of(request).is_some()
    }
}
