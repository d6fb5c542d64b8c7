//! What an operator can do to a pool: levers, which need no right of a holder or a waiter.
//!
//! | lever | what it does |
//! | --- | --- |
//! | release | ends the lease with this token; its slot goes to the next in line in the same moment |
//! | revoke | asks the holder with this token to stop; its slot is free when it has, or when the lease has ended |
//! | pause | from now on nothing is granted; who holds goes on, who waits stays in line |
//! | resume | free slots go to who waits longest |
//! | front | the waiter with this ticket stands before all others |
//! | remove | the waiter with this ticket does not stand in line any more |

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use distributex_config::Name;
use tokio::time::Instant;

use super::{
    AskId, Ending, Event, Refusal, Ticket, Token,
    rules::{Rules, refuse},
};

/// What an operator wants done. Holders are named by their token, waiters by their ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lever {
    /// End the lease with this token.
    Release(Token),
    /// Ask the holder with this token to give its slot back within this time; by default, the lease's time to live.
    Revoke(Token, Option<Duration>),
    /// Grant nothing.
    Pause,
    /// Grant again.
    Resume,
    /// Let who has this ticket stand before all others.
    Front(Ticket),
    /// Take who has this ticket out of the line.
    Remove(Ticket),
}

/// Who wants it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who.
    pub author: Arc<str>,
    /// Why; may be empty.
    pub reason: Arc<str>,
    /// When, by the system's clock.
    pub at: SystemTime,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    /// A lease was ended.
    Released {
        /// Who had it.
        host: Name,
        /// How long it was held.
        held: Duration,
        /// How long it would have lived on: until then its holder may not know; `None`: for ever.
        left: Option<Duration>,
    },
    /// A holder is asked to stop.
    Revoked {
        /// Who holds the slot.
        host: Name,
        /// When the slot is free at the latest; `None`: not before its holder gives it back.
        until: Option<Instant>,
        /// Whether the holder is told when it renews; one that never renews is not.
        notified: bool,
    },
    /// The pool is paused, or goes on.
    Set,
    /// The pool was not paused, so there was nothing to resume.
    Unchanged,
    /// The waiter stands elsewhere, or nowhere.
    Moved {
        /// Who it is.
        host: Name,
    },
}

impl Rules {
    /// Does what an operator wants.
    pub fn pull(
        &mut self,
        ask: AskId,
        lever: Lever,
        operator: &Operator,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.expire(now, out);
        let what = match lever {
            Lever::Release(token) => self.force(ask, token, now, out),
            Lever::Revoke(token, within) => self.revoke(token, within, operator, now),
            Lever::Pause => {
                self.set_paused(Some(operator.clone()));
                Some(Pulled::Set)
            }
            Lever::Resume if self.paused.is_none() => Some(Pulled::Unchanged),
            Lever::Resume => {
                self.set_paused(None);
                out.push(Event::Pulled { ask, what: Some(Pulled::Set) });
                return self.serve(now, out);
            }
            Lever::Front(ticket) => {
                let host = self.line.move_to_front(ticket);
                host.map(|host| Pulled::Moved { host })
            }
            Lever::Remove(ticket) => self.remove(ticket, out),
        };
        out.push(Event::Pulled { ask, what });
    }

    /// What ends if the lease with this token is taken away now.
    #[must_use]
    pub fn would_force(&self, token: Token, now: Instant) -> Option<Pulled> {
        let lease = self.leases.get(token)?;
        let left = lease.until.map(|until| until.saturating_duration_since(now));
        Some(Pulled::Released { host: lease.asker.host().clone(), held: now - lease.since, left })
    }

    fn force(&mut self, ask: AskId, token: Token, now: Instant, out: &mut Vec<Event>) -> Option<Pulled> {
        let forced = self.would_force(token, now)?;
        self.end(token, Ending::Forced, Some(ask), now, out);
        Some(forced)
    }

    fn remove(&mut self, ticket: Ticket, out: &mut Vec<Event>) -> Option<Pulled> {
        let waiter = self.line.leave(ticket)?;
        if let Some(parked) = waiter.present {
            refuse(parked, Refusal::Removed, None, out);
        }
        Some(Pulled::Moved { host: waiter.asker.host().clone() })
    }
}
