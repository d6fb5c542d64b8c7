//! What is written down of a pool, so that it outlives the process, and how a pool begins from that.
//!
//! The rules note which leases and places have changed; whoever keeps records takes the changes after each step
//! and writes them down. While that fails, the pool is suspended: it grants nothing, and nobody loses patience
//! with askers who cannot come back.
//!
//! ```text
//!  enter, renew, release, expire ─► changes ─► records ─┬ restart ─► restore ─► the pool as it was
//!                                                       └ failure ─► suspend … resume
//! ```

use tokio::time::Instant;

use super::{
    Event, Operator, Ticket, Token,
    lease::Lease,
    queue::{Waiter, sort_key_of},
    rules::{Rules, patience_deadline},
};

/// Something that has to be written down.
#[derive(Debug, Clone)]
pub enum PoolChange {
    /// The slot with this token is held so, or not any more.
    Lease(Token, Option<Lease>),
    /// The place with this ticket, of an asker that comes back, is taken so, or not any more.
    Place(Ticket, Option<Waiter>),
    /// The pool is paused so, or not any more.
    Paused(Option<Operator>),
    /// No number above these has been given out.
    Numbers(HighestNumbers),
}

/// The numbers that a pool has given out are no larger than these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HighestNumbers {
    /// Of a lease.
    pub token: Token,
    /// Of a place in line.
    pub ticket: Ticket,
}

/// So many numbers ahead are written down at once: not every grant has to move them then. A restart leaves out
/// those that were not given.
const TOKEN_RESERVE: u64 = 1_000;

/// What was written down of a pool.
#[derive(Debug, Clone, Default)]
pub struct PersistedPool {
    /// The numbers given out.
    pub numbers: HighestNumbers,
    /// The slots that were held.
    pub leases: Vec<Lease>,
    /// The places of those who come back, in any order.
    pub places: Vec<(Ticket, Waiter)>,
    /// Who paused the pool, if it was paused.
    pub paused: Option<Operator>,
}

/// What has changed since it was last taken; nothing, while nobody wants to know.
#[derive(Debug)]
pub(super) struct ChangeLog<T>(Option<Vec<T>>);

impl<T> Default for ChangeLog<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> ChangeLog<T> {
    /// This has changed.
    pub(super) fn note(&mut self, what: T) {
        if let Self(Some(changed)) = self {
            changed.push(what);
        }
    }

    /// Whether somebody wants to know.
    pub(super) fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// All of it, and from now on what changes is noted.
    fn take(&mut self) -> Vec<T> {
        self.0.replace(Vec::new()).unwrap_or_default()
    }
}

impl Rules {
    /// Begins with what was written down, and notes from now on what changes. Who had a place or a grant and was
    /// not told has its patience from now on to come back. Free slots are given out with the next
    /// [`Rules::serve`].
    pub fn restore(&mut self, kept: PersistedPool, now: Instant) {
        let PersistedPool { numbers, leases, mut places, paused } = kept;
        self.paused = paused;
        self.kept = numbers;
        self.last = self.last.max(numbers.token);
        for lease in leases {
            self.last = self.last.max(lease.token);
            self.leases.begin(lease);
        }
        places.sort_unstable_by_key(|(ticket, waiter)| waiter.moved.unwrap_or(sort_key_of(*ticket)));
        for (ticket, waiter) in places {
            self.queue.insert(ticket, waiter);
        }
        let last = self.queue.last();
        *last = numbers.ticket.0.max(*last);
        self.restart_patience(now);
        let _ = (self.leases.changed().take(), self.queue.changed().take(), self.pauses.take());
        self.evict_disallowed_waiters(&mut Vec::new()); // nobody is parked who would have to be told
        self.limit_all_absent(&mut Vec::new());
    }

    /// What has changed since it was last taken.
    pub fn take_changes(&mut self) -> Vec<PoolChange> {
        let (tokens, tickets) = (self.leases.changed().take(), self.queue.changed().take());
        let pauses = self.pauses.take();
        let (token, ticket) = (self.last, Ticket(*self.queue.last()));
        let has_new_ticket = ticket > self.kept.ticket; // a new token comes with a lease
        if tokens.is_empty() && tickets.is_empty() && pauses.is_empty() && !has_new_ticket {
            return Vec::new();
        }
        let leases =
            tokens.into_iter().map(|token| PoolChange::Lease(token, self.leases.get(token).cloned()));
        let places =
            tickets.into_iter().map(|ticket| PoolChange::Place(ticket, self.queue.get(ticket).cloned()));
        let paused = pauses.first().map(|()| PoolChange::Paused(self.paused.clone()));
        let mut changes: Vec<_> = leases.chain(places).chain(paused).collect();
        if has_new_ticket || token > self.kept.token {
            self.kept = HighestNumbers {
                token: Token(token.0 + TOKEN_RESERVE),
                ticket: Ticket(ticket.0 + TOKEN_RESERVE),
            };
            changes.push(PoolChange::Numbers(self.kept));
        }
        changes
    }

    /// An operator paused the pool, or let it go on.
    pub(super) fn set_paused(&mut self, paused: Option<Operator>) {
        self.paused = paused;
        self.pauses.note(());
    }

    /// Nothing can be written down: nothing is granted, and nobody has to be back in time.
    pub fn suspend(&mut self, now: Instant) {
        self.suspended = true;
        self.restart_patience(now);
    }

    /// All has been written down: who is to come back has its patience from now on, and free slots are given
    /// out.
    pub fn resume(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.suspended = false;
        self.restart_patience(now);
        self.serve(now, out);
    }

    /// Lets patience begin anew, or stand still, for all who are to come back.
    fn restart_patience(&mut self, now: Instant) {
        let suspended = self.suspended;
        let tokens: Vec<_> = self.leases.tokens().collect();
        for token in tokens {
            self.leases.change(token, |lease| {
                if lease.told == 0 {
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
