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
    line::{Waiter, spot_of},
    rules::{Rules, end_of_patience},
};

/// Something that has to be written down.
#[derive(Debug, Clone)]
pub enum Change {
    /// The slot with this token is held so, or not any more.
    Lease(Token, Option<Lease>),
    /// The place with this ticket, of an asker that comes back, is taken so, or not any more.
    Place(Ticket, Option<Waiter>),
    /// The pool is paused so, or not any more.
    Paused(Option<Operator>),
    /// No number above these has been given out.
    Numbers(Numbers),
}

/// The numbers that a pool has given out are no larger than these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Of a lease.
    pub token: Token,
    /// Of a place in line.
    pub ticket: Ticket,
}

/// So many numbers ahead are written down at once: not every grant has to move them then. A restart leaves out
/// those that were not given.
const AHEAD: u64 = 1_000;

/// What was written down of a pool.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The numbers given out.
    pub numbers: Numbers,
    /// The slots that were held.
    pub leases: Vec<Lease>,
    /// The places of those who come back, in any order.
    pub places: Vec<(Ticket, Waiter)>,
    /// Who paused the pool, if it was paused.
    pub paused: Option<Operator>,
}

/// What has changed since it was last taken; nothing, while nobody wants to know.
#[derive(Debug)]
pub(super) struct Changed<T>(Option<Vec<T>>);

impl<T> Default for Changed<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Changed<T> {
    /// This has changed.
    pub(super) fn note(&mut self, what: T) {
        if let Self(Some(changed)) = self {
            changed.push(what);
        }
    }

    /// Whether somebody wants to know.
    pub(super) fn is_wanted(&self) -> bool {
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
    pub fn restore(&mut self, kept: Kept, now: Instant) {
        let Kept { numbers, leases, mut places, paused } = kept;
        self.paused = paused;
        self.kept = numbers;
        self.last = self.last.max(numbers.token);
        for lease in leases {
            self.last = self.last.max(lease.token);
            self.leases.begin(lease);
        }
        places.sort_unstable_by_key(|(ticket, waiter)| waiter.moved.unwrap_or(spot_of(*ticket)));
        for (ticket, waiter) in places {
            self.line.enter_with(ticket, waiter);
        }
        let last = self.line.last();
        *last = numbers.ticket.0.max(*last);
        self.be_patient(now);
        let _ = (self.leases.changed().take(), self.line.changed().take(), self.pauses.take());
        self.turn_out(&mut Vec::new()); // nobody is parked who would have to be told
        self.limit_all_absent(&mut Vec::new());
    }

    /// What has changed since it was last taken.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let (tokens, tickets) = (self.leases.changed().take(), self.line.changed().take());
        let pauses = self.pauses.take();
        let (token, ticket) = (self.last, Ticket(*self.line.last()));
        let has_new_ticket = ticket > self.kept.ticket; // a new token comes with a lease
        if tokens.is_empty() && tickets.is_empty() && pauses.is_empty() && !has_new_ticket {
            return Vec::new();
        }
        let leases = tokens.into_iter().map(|token| Change::Lease(token, self.leases.get(token).cloned()));
        let places = tickets.into_iter().map(|ticket| Change::Place(ticket, self.line.get(ticket).cloned()));
        let paused = pauses.first().map(|()| Change::Paused(self.paused.clone()));
        let mut changes: Vec<_> = leases.chain(places).chain(paused).collect();
        if has_new_ticket || token > self.kept.token {
            self.kept = Numbers { token: Token(token.0 + AHEAD), ticket: Ticket(ticket.0 + AHEAD) };
            changes.push(Change::Numbers(self.kept));
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
        self.be_patient(now);
    }

    /// All has been written down: who is to come back has its patience from now on, and free slots are given
    /// out.
    pub fn resume(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.suspended = false;
        self.be_patient(now);
        self.serve(now, out);
    }

    /// Lets patience begin anew, or stand still, for all who are to come back.
    fn be_patient(&mut self, now: Instant) {
        let suspended = self.suspended;
        let tokens: Vec<_> = self.leases.tokens().collect();
        for token in tokens {
            self.leases.change(token, |lease| {
                if lease.told == 0 {
                    lease.end_at(end_of_patience(lease.patience, suspended, now));
                }
            });
        }
        for ticket in self.line.tickets() {
            if self.line.get(ticket).is_some_and(|waiter| waiter.present.is_none()) {
                self.line.change(ticket, |waiter| {
                    waiter.until = end_of_patience(waiter.patience, suspended, now);
                });
            }
        }
    }
}
