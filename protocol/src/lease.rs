//! The response that carries a lease, and how a lease ended.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::time::{seconds, timestamp};

/// A lease, as the responses to acquire and renew carry it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseBody<S = String> {
    /// The lease id; secret.
    pub lease: S,
    /// Fencing token.
    pub token: u64,
    /// The pool.
    #[serde(default)]
    pub pool: S,
    /// The holder.
    #[serde(default)]
    pub host: S,
    /// Lifetime without renewal; `None`: unlimited.
    #[serde(default, with = "seconds")]
    pub ttl: Option<Duration>,
    /// Time left, to be counted from when the request was sent; `None`: unlimited.
    #[serde(default, with = "seconds")]
    pub expires_in: Option<Duration>,
    /// End by the server's clock, for display.
    #[serde(default, with = "timestamp")]
    pub expires_at: Option<SystemTime>,
    /// Time spent in the queue.
    #[serde(default, with = "seconds")]
    pub waited: Option<Duration>,
    /// Set if an operator asks the holder to stop.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub revoked: Option<RevocationNotice<S>>,
    /// Id of the store.
    #[serde(default = "Option::default")]
    pub store: Option<S>,
}

/// Leaves out the lease id, which is secret.
impl<S: fmt::Debug> fmt::Debug for LeaseBody<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lease: _, token, pool, host, ttl, expires_in, expires_at, waited, revoked, store } = self;
        f.debug_struct("LeaseBody")
            .field("token", token)
            .field("pool", pool)
            .field("host", host)
            .field("ttl", ttl)
            .field("expires_in", expires_in)
            .field("expires_at", expires_at)
            .field("waited", waited)
            .field("revoked", revoked)
            .field("store", store)
            .finish()
    }
}

/// An operator's request to the holder of a lease: stop, and release the slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationNotice<S = String> {
    /// Operator.
    pub author: S,
    /// The operator's reason.
    pub reason: S,
}

impl<S: fmt::Display + fmt::Debug> fmt::Display for RevocationNotice<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revoked by {}: {:?}", self.author, self.reason)
    }
}

/// How a lease ended, for its former holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedLease<S = String> {
    /// Word of the event, as `expired` or `force_released`.
    pub how: S,
    /// Operator who ended or revoked the lease.
    #[serde(default = "Option::default")]
    pub author: Option<S>,
    /// The operator's reason.
    #[serde(default = "Option::default")]
    pub reason: Option<S>,
    /// Wall-clock time of the server.
    #[serde(default, with = "timestamp")]
    pub at: Option<SystemTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_id_is_not_shown() {
        let body = r#"{"lease": "abc", "token": 7, "ttl": 30, "expires_in": 29.5, "later": [1]}"#;
        let lease: LeaseBody = serde_json::from_str(body).unwrap();

        assert_eq!((lease.lease.as_str(), lease.expires_in), ("abc", Some(Duration::from_millis(29_500))));
        assert!(!format!("{lease:?}").contains("abc"));
    }
}
