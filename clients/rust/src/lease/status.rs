//! Status of a lease, as known to its holder.

use std::time::Duration;

use crate::{BootTime, EndedLease, RevocationNotice};

/// Status of a lease, as of the last successful renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseStatus {
    /// Held.
    Held {
        /// Time to live, counted from when the last successful request was *sent*; `None`: it does not expire.
        ttl: Option<Duration>,
        /// When that request was sent.
        renewed_at: BootTime,
        /// Set if the lease is revoked: stop the work and release it. It is held until then, or until it expires.
        revoked: Option<RevocationNotice>,
    },
    /// Lost: the server says so, or it has expired.
    Lost {
        /// The details, for people.
        why: String,
        /// The end of the lease, if a server knows it.
        ended: Option<EndedLease>,
    },
}
