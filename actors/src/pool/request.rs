//! Who asks for what.

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

/// Names one ask in this process, from its arrival to its answer. Says nothing about order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// A number that no other ask has.
    #[must_use]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who asks. Two asks of one asker are about one slot. Different kinds are never the same asker: a host that
/// asks in two ways can hold two slots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requester {
    /// A host in the classic protocol: one asker, however often it asks.
    Host(Name),
    /// A host and an owner: one asker, whose place and grant outlive its requests for a while.
    Owner {
        /// The host.
        host: Name,
        /// Tells this asker from others on the host; a secret.
        owner: Name,
    },
    /// A host without an owner: an asker for as long as its one request lasts.
    Anonymous {
        /// The host.
        host: Name,
        /// The request.
        request: RequestId,
    },
}

impl Requester {
    /// As which host it asks.
    #[must_use]
    pub fn host(&self) -> &Name {
        match self {
            Self::Host(host) | Self::Owner { host, .. } | Self::Anonymous { host, .. } => host,
        }
    }

    /// Whether its place and its grant outlive its requests.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        matches!(self, Self::Owner { .. })
    }
}

/// Says nothing of the owner.
impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "Host({host:?})"),
            Self::Owner { host, .. } => write!(f, "Owner({host:?}, …)"),
            Self::Anonymous { host, .. } => write!(f, "Once({host:?})"),
        }
    }
}

/// Somebody asks for a slot.
#[derive(Debug, Clone)]
pub struct AcquireRequest {
    /// Under which the answer is awaited.
    pub id: RequestId,
    /// Who asks.
    pub requester: Requester,
    /// How long it stays parked when no slot is free: zero is not at all, `None` however long it takes.
    pub wait: Option<Duration>,
    /// How long a place or a grant waits for an asker that comes back, from the end of its request; `None`
    /// if nothing was said of it.
    pub patience: Option<Duration>,
    /// How long the lease is to live without renewal; `None`: as long as the pool allows.
    pub ttl: Option<Duration>,
    /// What the slot is for: a note for people.
    pub command: Option<Arc<str>>,
    /// The secret name of the lease that this ask may bring; `None`: one that only its asker can end.
    pub lease: Option<LeaseId>,
}

impl AcquireRequest {
    /// A host asks in the classic protocol, and parks or not.
    #[must_use]
    pub fn classic(host: Name, parks: bool) -> Self {
        let wait = if parks { None } else { Some(Duration::ZERO) };
        let (id, requester) = (RequestId::next(), Requester::Host(host));
        Self { id, requester, wait, patience: None, ttl: None, command: None, lease: None }
    }

    /// Whether it is to be parked when no slot is free.
    #[must_use]
    pub fn parks(&self) -> bool {
        self.wait != Some(Duration::ZERO)
    }
}
