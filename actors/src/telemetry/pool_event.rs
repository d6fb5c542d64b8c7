//! Events of pools as published; nothing in them is secret.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use distributex_config::Name;
use distributex_protocol::event::EventName;

use super::runs::Run;
use crate::pool::{AdminAction, Operator, Ticket, Token};

/// An event.
#[derive(Debug, Clone)]
pub struct PoolEvent {
    /// Sequence number, without gaps.
    pub number: u64,
    /// Wall-clock time.
    pub at: SystemTime,
    /// The pool.
    pub pool: Name,
    /// Kind and details.
    pub what: EventKind,
}

/// Kind of an event, with its details.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// A waiter entered the queue.
    Queued {
        /// The waiter's host.
        host: Name,
        /// Its ticket.
        ticket: Ticket,
        /// Its position; 1 = next.
        position: usize,
    },
    /// A waiter left the queue without a grant.
    Left {
        /// The waiter's host.
        host: Name,
        /// Its ticket.
        ticket: Ticket,
    },
    /// A lease began.
    Granted {
        /// The holder.
        host: Name,
        /// Fencing token.
        token: Token,
        /// Time its requester spent in the queue.
        waited: Duration,
        /// Note of the request.
        command: Option<Arc<str>>,
    },
    /// A lease ended.
    Ended(Arc<Run>),
    /// A renewal came after the lease had ended.
    RenewalRefused {
        /// Former holder and token, if still known.
        known: Option<(Name, Token)>,
    },
    /// An admin action that does not end a lease.
    Admin {
        /// The action.
        action: AdminAction,
        /// Host of the waiter or holder, for actions on one.
        host: Option<Name>,
        /// Author and reason.
        operator: Box<Operator>,
    },
    /// The store cannot be reached.
    StoreDown,
    /// The store can be reached again.
    StoreUp,
    /// The configuration of the pool changed.
    Reconfigured,
}

impl EventKind {
    /// Name of the event.
    #[must_use]
    pub fn name(&self) -> EventName {
        match self {
            Self::Queued { .. } => EventName::Queued,
            Self::Left { .. } => EventName::Left,
            Self::Granted { .. } => EventName::Granted,
            Self::Ended(run) => run.lease.how.event(),
            Self::RenewalRefused { .. } => EventName::RenewalRefused,
            Self::Admin { action, .. } => action.event(),
            Self::StoreDown => EventName::StoreDown,
            Self::StoreUp => EventName::StoreUp,
            Self::Reconfigured => EventName::Reconfigured,
        }
    }
}
