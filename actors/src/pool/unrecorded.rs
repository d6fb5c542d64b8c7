//! Grants that are not persisted yet. If that fails, their waiters get back their positions.
//!
//! ```text
//!  grant ─┬ recorded ──► answered
//!         └ failed ────► taken back: lease ended, waiters back in the queue, requests still parked
//! ```

use std::collections::{BTreeMap, HashSet};

use super::{Event, RequestId, Ticket, Token, queue::Waiter, rules::Rules};

/// Waiters that each such grant took out of the queue; empty if its requester was not queued.
#[derive(Debug, Default)]
pub(super) struct Unrecorded(BTreeMap<Token, Vec<(Ticket, Waiter)>>);

impl Unrecorded {
    /// Notes the waiters taken out of the queue for this grant.
    pub(super) fn note(&mut self, token: Token, waiters: &[(Ticket, Waiter)]) {
        self.0.insert(token, waiters.to_vec());
    }

    /// Forgets the request of a waiter that was cancelled before its grant was recorded.
    pub(super) fn leave(&mut self, request: RequestId) {
        let mut waiters = self.0.values_mut().flatten().map(|(_, waiter)| waiter);
        if let Some(waiter) = waiters.find(|waiter| waiter.present == Some(request)) {
            waiter.present = None;
        }
    }
}

impl Rules {
    /// Forgets a grant that is persisted, or over.
    pub fn recorded(&mut self, token: Token) {
        self.unrecorded.0.remove(&token);
    }

    /// Ends all leases that are not persisted as if they had never been granted: without an event, and with their
    /// waiters back in the queue. Returns their tokens. The pool must be suspended.
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

    /// Whether this lease exists.
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
