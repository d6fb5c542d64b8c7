//! A lease as a record, to be renewed and released later, from another process.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use distributex_protocol::time::{seconds, timestamp};

use super::secret::Secret;
use crate::BootTime;

/// The id of a lease. Whoever has it can renew and release the lease, so it is a secret: keep it out of logs
/// and command lines. In JSON it is its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub(crate) Secret);

impl LeaseId {
    /// The id with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// A lease without automatic renewal, as of its grant or last renewal. In JSON it is the lease of the v1 protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The lease id.
    #[serde(rename = "lease")]
    pub id: LeaseId,
    /// The fencing token.
    pub token: u64,
    /// The pool.
    pub pool: String,
    /// The host.
    pub host: String,
    /// Time to live after each renewal; `None`: until it is released.
    #[serde(with = "seconds")]
    pub ttl: Option<Duration>,
    /// Time left when this was recorded; `None`: until it is released.
    #[serde(with = "seconds")]
    pub expires_in: Option<Duration>,
    /// End of the lease by the clock of this machine.
    #[serde(with = "timestamp")]
    pub expires_at: Option<SystemTime>,
    /// Time it took to acquire.
    #[serde(with = "seconds")]
    pub waited: Option<Duration>,
    /// The id of its store.
    pub store: String,
}

impl LeaseRecord {
    /// The same lease, with this time left since then.
    pub(crate) fn living(self, left: Option<Duration>, since: BootTime) -> Self {
        let expires_in = left.map(|left| (since + left).remaining());
        let expires_at = expires_in.and_then(|left| SystemTime::now().checked_add(left));
        Self { expires_in, expires_at, ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_a_lease_of_the_protocol() {
        let lease = json!({"lease": "abc", "token": 7, "pool": "p", "host": "web1", "ttl": 30, "expires_in": 29.5,
            "expires_at": "2026-11-23T12:00:00.250Z", "waited": 1.25, "store": "s1"});

        let record: LeaseRecord = serde_json::from_value(lease.clone()).unwrap();

        assert_eq!(serde_json::to_value(&record).unwrap(), lease);
        assert_eq!((record.id.reveal(), record.expires_in), ("abc", Some(Duration::from_millis(29_500))));
        assert!(!format!("{record:?}").contains("abc"), "the id is a secret");
    }

    #[test]
    fn a_lease_without_an_end_has_none() {
        let lease = json!({"lease": "abc", "token": 7, "pool": "p", "host": "web1", "ttl": null,
            "expires_in": null, "expires_at": null, "waited": 0, "store": "s1"});

        let record: LeaseRecord = serde_json::from_value(lease.clone()).unwrap();

        assert_eq!((record.ttl, record.expires_at), (None, None));
        assert_eq!(serde_json::to_value(record.living(None, BootTime::now())).unwrap(), lease);
    }
}
