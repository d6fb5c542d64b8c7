//! What is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::client::secret::Secret;

/// What a name in a path need not hide.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of all pools.
pub(in crate::client) const POOLS: &str = "/v1/pools";

/// One request.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(in crate::client) enum Call<'a> {
    /// Asks for a slot.
    Acquire {
        /// Who asks.
        host: &'a str,
        /// Tells this asker from others of its host.
        owner: &'a Secret,
        /// Stay parked for so many seconds; 0: answer at once.
        wait: f64,
        /// Keep the place for so many seconds when nobody asks.
        #[serde(skip_serializing_if = "Option::is_none")]
        patience: Option<f64>,
        /// Seconds until the lease is over without a renewal.
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<f64>,
        /// A note for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<&'a str>,
    },
    /// Makes a lease last longer.
    Renew {
        /// Which.
        lease: &'a Secret,
        /// For so many seconds from now.
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<f64>,
    },
    /// Ends a lease.
    Release {
        /// Which.
        lease: &'a Secret,
        /// How the work ended that it was held for.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_status: Option<u8>,
    },
    /// Ends whatever an asker has: a lease, a grant on its way, a place in line.
    Leave {
        /// Of which host.
        host: &'a str,
        /// Of which asker.
        owner: &'a Secret,
    },
}

impl Call<'_> {
    /// The path of this call for a pool.
    pub(in crate::client) fn path(&self, pool: &str) -> String {
        let verb = match self {
            Self::Acquire { .. } => "acquire",
            Self::Renew { .. } => "renew",
            Self::Release { .. } | Self::Leave { .. } => "release",
        };
        format!("{}/{verb}", pool_path(pool))
    }
}

/// The path of a pool, where its state is.
pub(in crate::client) fn pool_path(pool: &str) -> String {
    format!("{POOLS}/{}", utf8_percent_encode(pool, NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_hidden_in_the_path_and_a_missing_word_is_not_sent() {
        let owner = Secret::by_chance().unwrap();
        let call = Call::Acquire {
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
