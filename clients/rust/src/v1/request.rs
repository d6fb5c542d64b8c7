//! What is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::secret::Secret;

/// What a name in a path need not hide.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of all pools.
pub(crate) const POOLS: &str = "/v1/pools";
/// The path of what happens.
const EVENTS: &str = "/v1/events";
/// The path of all that an operator can do to pools.
const ADMIN_POOLS: &str = "/v1/admin/pools";
/// The path where the server is told to read its configuration again.
pub(crate) const RELOAD: &str = "/v1/admin/reload";

/// One request.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum V1Call<'a> {
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

impl V1Call<'_> {
    /// The path of this call for a pool.
    pub(crate) fn path(&self, pool: &str) -> String {
        let verb = match self {
            Self::Acquire { .. } => "acquire",
            Self::Renew { .. } => "renew",
            Self::Release { .. } | Self::Leave { .. } => "release",
        };
        format!("{}/{verb}", pool_path(pool))
    }
}

/// The path of a pool, where its state is.
pub(crate) fn pool_path(pool: &str) -> String {
    format!("{POOLS}/{}", utf8_percent_encode(pool, NAME))
}

/// The page of a path that begins there.
pub(crate) fn page_path(path: &str, after: &str) -> String {
    format!("{path}?after={}", utf8_percent_encode(after, NAME))
}

/// The path of a lever of a pool.
pub(crate) fn admin_path(pool: &str, action: &str) -> String {
    format!("{ADMIN_POOLS}/{}/{action}", utf8_percent_encode(pool, NAME))
}

/// The path of the events of these pools; without any, of all.
pub(crate) fn events_path(pools: &[String]) -> String {
    let named = pools.iter().map(|pool| format!("pool={}", utf8_percent_encode(pool, NAME)));
    let query = named.collect::<Vec<_>>().join("&");
    if query.is_empty() { EVENTS.to_owned() } else { format!("{EVENTS}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_hidden_in_the_path_and_a_missing_word_is_not_sent() {
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
        assert_eq!(admin_path("a/b", "pause"), "/v1/admin/pools/a%2Fb/pause");
        assert_eq!(events_path(&[]), "/v1/events");
        assert_eq!(events_path(&["p".to_owned(), "a&b".to_owned()]), "/v1/events?pool=p&pool=a%26b");
        assert_eq!((&sent["ttl"], sent.get("patience"), sent.get("command")), (&2.5.into(), None, None));
    }
}
