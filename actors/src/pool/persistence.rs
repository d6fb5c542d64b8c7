//! Persistence of a pool: the changes to be stored, and the restore at the start.
//!
//! The rules log changed leases and queue entries; the backend takes the changes after each step and stores them.
//! While that fails, the pool is suspended: it grants nothing, and no patience runs out, as requesters cannot be
//! answered.
//!
//! ```text
//!  acquire, renew, release, expire ─► changes ─► store ─┬ restart ─► restore ─► the pool as it was
//!                                                       └ failure ─► suspend … resume
//! ```

use tokio::time::Instant;

use super::{
    Event, Operator, Ticket, Token,
    lease::Lease,
    queue::{Waiter, sort_key_of},
    rules::{Rules, patience_deadline},
};

/// A change to be stored.
#[derive(Debug, Clone)]
pub enum PoolChange {
    /// The lease with this token; `None`: it ended.
    Lease(Token, Option<Lease>),
    /// The queue entry of a resumable requester; `None`: it was removed.
    QueueEntry(Ticket, Option<Waiter>),
    /// The pause; `None`: resumed.
    Paused(Option<Operator>),
    /// New upper bounds of tokens and tickets.
    Numbers(HighestNumbers),
}

/// Upper bounds of the numbers that a pool has given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HighestNumbers {
    /// Highest token.
    pub token: Token,
    /// Highest ticket.
    pub ticket: Ticket,
}

/// Numbers reserved by one write, so that not every grant has to store them. A restart skips those that were not used.
const TOKEN_RESERVE: u64 = 1_000;

/// A stored pool.
#[derive(Debug, Clone, Default)]
pub struct PersistedPool {
    /// Upper bounds of its numbers.
    pub numbers: HighestNumbers,
    /// Its leases.
    pub leases: Vec<Lease>,
    /// Queue entries of resumable requesters, in any order.
    pub queue_entries: Vec<(Ticket, Waiter)>,
    /// Who paused it, if it was paused.
    pub paused: Option<Operator>,
}

impl Rules {
    /// Starts from a stored pool and logs changes from now on. The patience of queue entries and undelivered grants
    /// restarts. Free slots are granted by the next [`Rules::serve`].
    pub fn restore(&mut self, kept: PersistedPool, now: Instant) {
        let PersistedPool { numbers, leases, mut queue_entries, paused } = kept;
        self.paused = paused;
        self.kept = numbers;
        self.last = self.last.max(numbers.token);
        for lease in leases {
            self.last = self.last.max(lease.token);
            self.leases.begin(lease);
        }
        queue_entries.sort_unstable_by_key(|(ticket, waiter)| waiter.moved.unwrap_or(sort_key_of(*ticket)));
        for (ticket, waiter) in queue_entries {
            self.queue.insert(ticket, waiter);
        }
        let last = self.queue.last();
        *last = numbers.ticket.0.max(*last);
        self.restart_patience(now);
        let _ = (self.leases.changed().take(), self.queue.changed().take(), self.pauses.take());
        self.evict_disallowed_waiters(&mut Vec::new()); // no request is parked yet, so there is nobody to answer
        self.limit_all_absent(&mut Vec::new());
    }

    /// Takes the changes since the last call.
    pub fn take_changes(&mut self) -> Vec<PoolChange> {
        let (tokens, tickets) = (self.leases.changed().take(), self.queue.changed().take());
        let pauses = self.pauses.take();
        let (token, ticket) = (self.last, Ticket(*self.queue.last()));
        let has_new_ticket = ticket > self.kept.ticket; // a new token always comes with a lease
        if tokens.is_empty() && tickets.is_empty() && pauses.is_empty() && !has_new_ticket {
            return Vec::new();
        }
        let leases =
            tokens.into_iter().map(|token| PoolChange::Lease(token, self.leases.get(token).cloned()));
        let queue_entries =
            tickets.into_iter().map(|ticket| PoolChange::QueueEntry(ticket, self.queue.get(ticket).cloned()));
        let paused = pauses.first().map(|()| PoolChange::Paused(self.paused.clone()));
        let mut changes: Vec<_> = leases.chain(queue_entries).chain(paused).collect();
        if has_new_ticket || token > self.kept.token {
            self.kept = HighestNumbers {
                token: Token(token.0 + TOKEN_RESERVE),
                ticket: Ticket(ticket.0 + TOKEN_RESERVE),
            };
            changes.push(PoolChange::Numbers(self.kept));
        }
        changes
    }

    /// Pauses or resumes the pool.
    pub(super) fn set_paused(&mut self, paused: Option<Operator>) {
        self.paused = paused;
        self.pauses.note(());
    }

    /// Suspends grants and patience, because changes cannot be stored.
    pub fn suspend(&mut self, now: Instant) {
        self.suspended = true;
        self.restart_patience(now);
    }

    /// Resumes grants; patience restarts.
    pub fn resume(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.suspended = false;
        self.restart_patience(now);
        self.serve(now, out);
    }

    /// Restarts the patience of all entries and undelivered grants, or stops it while suspended.
    fn restart_patience(&mut self, now: Instant) {
        let suspended = self.suspended;
        let tokens: Vec<_> = self.leases.tokens().collect();
        for token in tokens {
            self.leases.change(token, |lease| {
                if lease.deliveries == 0 {
                    lease.end_at(patience_deadline(lease.patience, suspended, now));
                }
            });
        }
        for ticket in self.queue.tickets() {
            if self.queue.get(ticket).is_some_and(|waiter| waiter.present.is_none()) {
                self.queue.change(ticket, |waiter| {
                    waiter.until = patience_deadline(waiter.patience, suspended, now);
                });
            }
        }
    }
}
