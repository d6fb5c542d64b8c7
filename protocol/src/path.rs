//! Paths of the v1 protocol.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::admin::AdminVerb;

/// Characters of a name that are not percent-encoded in a path or query.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Snapshots of all pools.
pub const POOLS: &str = "/v1/pools";
/// The event stream.
pub const EVENTS: &str = "/v1/events";
/// Prefix of admin actions.
pub const ADMIN: &str = "/v1/admin/";
/// Prefix of admin actions on a pool.
pub const ADMIN_POOLS: &str = "/v1/admin/pools";
/// Reload of the configuration.
pub const RELOAD: &str = "/v1/admin/reload";
/// Author under which actions are recorded.
pub const WHOAMI: &str = "/v1/admin/whoami";
/// The description of both protocols.
pub const OPENAPI: &str = "/openapi.json";

/// Path of a pool, with its snapshot.
#[must_use]
pub fn pool(pool: &str) -> String {
    format!("{POOLS}/{}", utf8_percent_encode(pool, NAME))
}

/// A later page of a path.
#[must_use]
pub fn page(path: &str, after: &str) -> String {
    format!("{path}?after={}", utf8_percent_encode(after, NAME))
}

/// Path of an admin action on a pool.
#[must_use]
pub fn admin(pool: &str, verb: AdminVerb) -> String {
    format!("{ADMIN_POOLS}/{}/{}", utf8_percent_encode(pool, NAME), verb.segment())
}

/// Path of the events of these pools; of all, if there are none.
#[must_use]
pub fn events(pools: &[String]) -> String {
    let named = pools.iter().map(|pool| format!("pool={}", utf8_percent_encode(pool, NAME)));
    let query = named.collect::<Vec<_>>().join("&");
    if query.is_empty() { EVENTS.to_owned() } else { format!("{EVENTS}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_percent_encoded() {
        assert_eq!(pool("a/b ü"), "/v1/pools/a%2Fb%20%C3%BC");
        assert_eq!(admin("a/b", AdminVerb::ForceRelease), "/v1/admin/pools/a%2Fb/force-release");
        assert_eq!(events(&[]), "/v1/events");
        assert_eq!(events(&["p".to_owned(), "a&b".to_owned()]), "/v1/events?pool=p&pool=a%26b");
        assert_eq!(page("/v1/pools", "17-3"), "/v1/pools?after=17-3");
    }
}
