//! How a lease stands, as its holder knows it.

use std::time::Duration;

use super::{BootTime, EndedLease, RevocationNotice};

/// What a holder knows of its lease: as of the last renewal that the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseStatus {
    /// It is held.
    Held {
        /// Its time to live, counted from when the last successful request was *sent*; `None`: it never ends
        /// by itself.
        ttl: Option<Duration>,
        /// When that was.
        renewed_at: BootTime,
        /// Set when an operator wants the slot back: stop the work and release the lease. It is held until then,
        /// or until its time to live is over.
        revoked: Option<RevocationNotice>,
    },
    /// It is lost: the server says so, or its time is over.
    Lost {
        /// What is known of it, for people.
        why: String,
        /// How it ended, if a server knows.
        ended: Option<EndedLease>,
    },
}
