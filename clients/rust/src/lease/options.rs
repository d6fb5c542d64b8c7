//! Options of an acquire.

use std::time::Duration;

/// A request for one slot of a pool.
///
/// ```
/// use distributex_client::AcquireOptions;
/// use std::time::Duration;
///
/// let options = AcquireOptions::new("deploy", "web1")
///     .ttl(Duration::from_secs(20))
///     .within(Duration::from_secs(600))
///     .note("deploy of web1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireOptions {
    /// The pool.
    pub(crate) pool: String,
    /// Name of this host.
    pub(crate) host: String,
    /// Time to live of the lease without renewal.
    pub(crate) ttl: Option<Duration>,
    /// Maximum time to wait.
    pub(crate) within: Option<Duration>,
    /// Public note.
    pub(crate) note: Option<String>,
}

impl AcquireOptions {
    /// Requests a slot of `pool` for `host`. Names have 1 to 255 bytes and no control characters.
    pub fn new(pool: impl Into<String>, host: impl Into<String>) -> Self {
        Self { pool: pool.into(), host: host.into(), ttl: None, within: None, note: None }
    }

    /// Time to live of the lease after its last renewal; at least half a second. Default and maximum: the
    /// pool's `expire`. A shorter one frees the slot sooner when this host dies; a longer one tolerates
    /// longer outages of the network or the server.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }

    /// Maximum time to wait. Default: no limit.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self { within: Some(time), ..self }
    }

    /// Public note about the purpose. Not for secrets.
    #[must_use]
    pub fn note(self, text: impl Into<String>) -> Self {
        Self { note: Some(text.into()), ..self }
    }
}
