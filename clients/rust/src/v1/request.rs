//! Request bodies of the v1 protocol.

use distributex_protocol::path;
use serde::Serialize;

use crate::lease::secret::Secret;

/// A request about a slot. Durations are seconds.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum V1Call<'a> {
    /// Requests a slot.
    Acquire {
        /// Host of the requester.
        host: &'a str,
        /// Owner; secret.
        owner: &'a Secret,
        /// Time to stay parked; 0: a try.
        wait: f64,
        /// Time to keep the queue entry after the request.
        #[serde(skip_serializing_if = "Option::is_none")]
        patience: Option<f64>,
        /// Lifetime of the lease without renewal.
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<f64>,
        /// Public note.
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<&'a str>,
    },
    /// Extends a lease.
    Renew {
        /// Lease id.
        lease: &'a Secret,
        /// New lifetime from now.
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<f64>,
    },
    /// Ends a lease.
    Release {
        /// Lease id.
        lease: &'a Secret,
        /// Exit status of the work.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_status: Option<u8>,
    },
    /// Ends whatever a requester has: a lease, a grant on its way, a queue entry.
    Leave {
        /// Host of the requester.
        host: &'a str,
        /// Owner; secret.
        owner: &'a Secret,
    },
}

impl V1Call<'_> {
    /// Path of this request for a pool.
    pub(crate) fn path(&self, pool: &str) -> String {
        let verb = match self {
            Self::Acquire { .. } => "acquire",
            Self::Renew { .. } => "renew",
            Self::Release { .. } | Self::Leave { .. } => "release",
        };
        format!("{}/{verb}", path::pool(pool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_without_a_value_are_not_sent() {
        let owner = Secret::random().unwrap();
        let call = V1Call::Acquire {
            host: "web1",
            owner: &owner,
            wait: 0.0,
            patience: None,
            ttl: Some(2.5),
            command: None,
        };
        assert_eq!(call.path("a/b ü"), "/v1/pools/a%2Fb%20%C3%BC/acquire");
        let sent = serde_json::to_value(&call).unwrap();
        assert_eq!((&sent["ttl"], sent.get("patience"), sent.get("command")), (&2.5.into(), None, None));
    }
}
