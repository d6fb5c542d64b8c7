//! The levers there are.

use std::time::Duration;

/// What an operator does.
#[derive(Debug, Clone)]
pub enum AdminCommand {
    /// Ends a lease.
    ForceRelease {
        /// Of this pool.
        pool: String,
        /// Which one.
        held: HolderSelector,
        /// Why.
        reason: String,
    },
    /// Asks a holder to stop.
    Revoke {
        /// Of this pool.
        pool: String,
        /// Which one.
        held: HolderSelector,
        /// For so long renewals extend its lease at most; else for as long as it lives without one.
        within: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// Gives out nothing any more.
    Pause {
        /// Of this pool.
        pool: String,
        /// Why.
        reason: String,
    },
    /// Gives out slots again.
    Resume {
        /// Of this pool.
        pool: String,
        /// Why, if anybody wants to know.
        reason: Option<String>,
    },
    /// Lets a waiter be the next.
    Promote {
        /// For this pool.
        pool: String,
        /// Whose ticket this is.
        ticket: u64,
        /// Why.
        reason: String,
    },
    /// Takes a waiter out of the line.
    Evict {
        /// Of this pool.
        pool: String,
        /// Whose ticket this is.
        ticket: u64,
        /// Why.
        reason: String,
    },
    /// Lets the server read its configuration again.
    Reload {
        /// Why, if anybody wants to know.
        reason: Option<String>,
    },
}

/// How somebody else's lease is named.
#[derive(Debug, Clone)]
pub enum HolderSelector {
    /// By its token.
    Token(u64),
    /// By its host, which must hold no other one.
    Host(String),
}
