//! Acquire requests and their requesters.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use distributex_config::Name;

use super::LeaseId;

/// Identifies one request in this process, from arrival to response. Its value says nothing about order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// An id that no other request of this process has.
    #[must_use]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Identity of a requester: two requests of one requester are about one slot. Different kinds are never the same
/// requester: a host that uses both protocols can hold two slots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requester {
    /// A host: one requester, however many requests it has. Repeating a request does not renew its lease.
    Host(Name),
    /// A host with an owner: its queue entry and its grant outlive its requests for their patience.
    Owner {
        /// The host.
        host: Name,
        /// Separates requesters on one host; secret.
        owner: Name,
    },
    /// A host without an owner: a requester only for as long as its request lasts.
    Anonymous {
        /// The host.
        host: Name,
        /// The request.
        request: RequestId,
    },
}

impl Requester {
    /// The host.
    #[must_use]
    pub fn host(&self) -> &Name {
        match self {
            Self::Host(host) | Self::Owner { host, .. } | Self::Anonymous { host, .. } => host,
        }
    }

    /// Whether the queue entry and the grant outlive the request.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        matches!(self, Self::Owner { .. })
    }
}

/// Leaves out the owner, which is secret.
impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "Host({host:?})"),
            Self::Owner { host, .. } => write!(f, "Owner({host:?}, …)"),
            Self::Anonymous { host, .. } => write!(f, "Anonymous({host:?})"),
        }
    }
}

/// A request for a slot.
#[derive(Debug, Clone)]
pub struct AcquireRequest {
    /// Id under which the response is awaited.
    pub id: RequestId,
    /// Requester.
    pub requester: Requester,
    /// How long to stay parked while no slot is free; zero: not at all, `None`: without limit.
    pub wait: Option<Duration>,
    /// How long a resumable requester's queue entry or grant is kept after the request ended; `None`: the default.
    pub patience: Option<Duration>,
    /// Wanted lifetime of the lease without renewal; `None`: the pool's maximum.
    pub ttl: Option<Duration>,
    /// Public note: what the slot is for.
    pub command: Option<Arc<str>>,
    /// Secret id of the lease to be granted; `None`: a lease that only its requester can end.
    pub lease: Option<LeaseId>,
    /// Whether a refusal includes a snapshot of the pool.
    pub want_snapshot: bool,
}

impl AcquireRequest {
    /// A request that does not wait, with defaults for everything else.
    #[must_use]
    pub fn new(requester: Requester) -> Self {
        Self {
            id: RequestId::next(),
            requester,
            wait: Some(Duration::ZERO),
            patience: None,
            ttl: None,
            command: None,
            lease: None,
            want_snapshot: false,
        }
    }

    /// Whether the request may be parked.
    #[must_use]
    pub fn parks(&self) -> bool {
        self.wait != Some(Duration::ZERO)
    }
}
