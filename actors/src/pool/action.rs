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
    EndReason, Event, Refusal, RequestId, Ticket, Token,
    rules::{Rules, refuse},
};

/// What an operator wants done. Holders are named by their token, waiters by their ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminAction {
    /// End the lease with this token.
    ForceRelease(Token),
    /// Ask the holder with this token to give its slot back within this time; by default, the lease's time to live.
    Revoke(Token, Option<Duration>),
    /// Grant nothing.
    Pause,
    /// Grant again.
    Resume,
    /// Let who has this ticket stand before all others.
    Promote(Ticket),
    /// Take who has this ticket out of the line.
    Evict(Ticket),
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
pub enum AdminOutcome {
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
    pub fn administer(
        &mut self,
        request: RequestId,
        action: AdminAction,
        operator: &Operator,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.expire(now, out);
        let what = match action {
            AdminAction::ForceRelease(token) => self.force_release(request, token, now, out),
            AdminAction::Revoke(token, within) => self.revoke(token, within, operator, now),
            AdminAction::Pause => {
                self.set_paused(Some(operator.clone()));
                Some(AdminOutcome::Set)
            }
            AdminAction::Resume if self.paused.is_none() => Some(AdminOutcome::Unchanged),
            AdminAction::Resume => {
                self.set_paused(None);
                out.push(Event::ActionApplied { request, what: Some(AdminOutcome::Set) });
                return self.serve(now, out);
            }
            AdminAction::Promote(ticket) => {
                let host = self.queue.move_to_front(ticket);
                host.map(|host| AdminOutcome::Moved { host })
            }
            AdminAction::Evict(ticket) => self.evict(ticket, out),
        };
        out.push(Event::ActionApplied { request, what });
    }

    /// What ends if the lease with this token is taken away now.
    #[must_use]
    pub fn preview_force_release(&self, token: Token, now: Instant) -> Option<AdminOutcome> {
        let lease = self.leases.get(token)?;
        let left = lease.until.map(|until| until.saturating_duration_since(now));
        Some(AdminOutcome::Released { host: lease.requester.host().clone(), held: now - lease.since, left })
    }

    fn force_release(
        &mut self,
        request: RequestId,
        token: Token,
        now: Instant,
        out: &mut Vec<Event>,
    ) -> Option<AdminOutcome> {
        let forced = self.preview_force_release(token, now)?;
        self.end(token, EndReason::ForceReleased, Some(request), now, out);
        Some(forced)
    }

    fn evict(&mut self, ticket: Ticket, out: &mut Vec<Event>) -> Option<AdminOutcome> {
        let waiter = self.queue.remove(ticket)?;
        if let Some(parked) = waiter.present {
            refuse(parked, Refusal::Evicted, None, out);
        }
        Some(AdminOutcome::Moved { host: waiter.requester.host().clone() })
    }
}
