//! What is asked for.

use std::time::Duration;

/// An ask for one slot of a pool: who asks, and on what terms.
///
/// ```
/// use distributex_client::AcquireOptions;
/// use std::time::Duration;
///
/// let ask = AcquireOptions::new("deploy", "web1")
///     .ttl(Duration::from_secs(20))
///     .within(Duration::from_secs(600))
///     .note("deploy of web1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireOptions {
    /// The pool.
    pub(super) pool: String,
    /// The host that asks.
    pub(super) host: String,
    /// How long the lease is to live without a renewal.
    pub(super) ttl: Option<Duration>,
    /// How long to wait for it.
    pub(super) within: Option<Duration>,
    /// What others may read of it.
    pub(super) note: Option<String>,
}

impl AcquireOptions {
    /// Asks for a slot of `pool` as `host`. Names have 1 to 255 bytes and no control characters.
    pub fn new(pool: impl Into<String>, host: impl Into<String>) -> Self {
        Self { pool: pool.into(), host: host.into(), ttl: None, within: None, note: None }
    }

    /// The lease is to be over so long after its last renewal; at least half a second. Without this, and at
    /// most, it is the pool's `expire`. The shorter, the sooner others get the slot when this host dies; the
    /// longer, the longer an outage of the network or the server may be.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }

    /// Waits so long at most; without this, for as long as it takes.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self { within: Some(time), ..self }
    }

    /// Tells everybody who looks at the pool what the slot is for. No place for passwords.
    #[must_use]
    pub fn note(self, text: impl Into<String>) -> Self {
        Self { note: Some(text.into()), ..self }
    }
}
