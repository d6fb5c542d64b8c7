//! Admin actions on a pool; they need no lease and no queue entry.
//!
//! | action | effect |
//! | --- | --- |
//! | force-release | ends the lease with this token; its slot goes to the next waiter at once |
//! | revoke | asks the holder with this token to stop; the slot is granted after its release, or the end of the lease |
//! | pause | grants nothing; holders keep their leases, waiters stay queued |
//! | resume | grants free slots to the longest waiters again |
//! | promote | moves the waiter with this ticket to the front of the queue |
//! | evict | removes the waiter with this ticket from the queue |

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use distributex_config::Name;
use distributex_protocol::event::EventName;
use tokio::time::Instant;

use super::{
    EndReason, Event, Refusal, RequestId, Ticket, Token,
    rules::{Rules, refuse},
};

/// An admin action. Leases are named by token, waiters by ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminAction {
    /// End the lease with this token.
    ForceRelease(Token),
    /// Ask the holder with this token to release its slot within this time; `None`: the lease's time to live.
    Revoke(Token, Option<Duration>),
    /// Grant nothing.
    Pause,
    /// Grant again.
    Resume,
    /// Move the waiter with this ticket to the front of the queue.
    Promote(Ticket),
    /// Remove the waiter with this ticket from the queue.
    Evict(Ticket),
}

impl AdminAction {
    /// The event that reports the action; for a force-release, that of the ended lease.
    #[must_use]
    pub fn event(self) -> EventName {
        match self {
            Self::ForceRelease(_) => EventName::ForceReleased,
            Self::Revoke(..) => EventName::Revoked,
            Self::Pause => EventName::Paused,
            Self::Resume => EventName::Resumed,
            Self::Promote(_) => EventName::Promoted,
            Self::Evict(_) => EventName::Evicted,
        }
    }
}

/// Operator behind an admin action, and the reason given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Name of the operator.
    pub author: Arc<str>,
    /// Reason; may be empty.
    pub reason: Arc<str>,
    /// Wall-clock time of the action.
    pub at: SystemTime,
}

/// Outcome of an admin action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminOutcome {
    /// A lease was ended.
    Released {
        /// Its former holder.
        host: Name,
        /// How long it was held.
        held: Duration,
        /// Time to live it had left, during which its holder may not notice; `None`: unlimited.
        left: Option<Duration>,
    },
    /// A holder is asked to stop.
    Revoked {
        /// The holder.
        host: Name,
        /// When the slot is free at the latest; `None`: when its holder releases it.
        until: Option<Instant>,
        /// Whether the holder will be notified at its next renewal; `false` for one that never renews.
        notified: bool,
    },
    /// The pool is paused, or resumed.
    Set,
    /// Resume of a pool that was not paused.
    Unchanged,
    /// The waiter was promoted or evicted.
    Moved {
        /// The waiter's host.
        host: Name,
    },
}

impl Rules {
    /// Applies an admin action.
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

    /// The outcome a force-release of this token would have now; `None` if there is no such lease.
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
