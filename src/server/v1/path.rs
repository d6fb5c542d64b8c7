//! Routing of v1 paths.

use std::borrow::Cow;

use distributex_actors::Token;
use distributex_protocol::admin::AdminVerb;
use percent_encoding::percent_decode_str;

/// Paths of the v1 protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum V1Path {
    /// `/v1/pools/{pool}/acquire`
    Acquire,
    /// `/v1/pools/{pool}/renew`
    Renew,
    /// `/v1/pools/{pool}/release`
    Release,
    /// `/v1/pools`
    Pools,
    /// `/v1/pools/{pool}`
    Pool,
    /// `/v1/pools/{pool}/holders/{token}`; `None` if it is not a number.
    Holder(Option<Token>),
    /// `/v1/pools/{pool}/history`
    History,
    /// `/v1/events`
    Events,
    /// `/v1/admin/pools/{pool}/…`
    Admin(AdminVerb),
    /// `/v1/admin/reload`
    Reload,
    /// `/v1/admin/whoami`
    WhoAmI,
    /// `/openapi.json`
    OpenApi,
}

impl V1Path {
    /// Whether the method is `POST`, else `GET` or `HEAD`.
    pub(super) fn is_post(self) -> bool {
        match self {
            Self::Acquire | Self::Renew | Self::Release | Self::Admin(_) | Self::Reload => true,
            Self::Pools
            | Self::Pool
            | Self::Holder(_)
            | Self::History
            | Self::Events
            | Self::WhoAmI
            | Self::OpenApi => false,
        }
    }

    /// Label in metrics.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Acquire => "v1_acquire",
            Self::Renew => "v1_renew",
            Self::Release => "v1_release",
            Self::Pools => "v1_pools",
            Self::Pool => "v1_pool",
            Self::Holder(_) => "v1_holder",
            Self::History => "v1_history",
            Self::Events => "v1_events",
            Self::Admin(AdminVerb::ForceRelease) => "admin_force_release",
            Self::Admin(AdminVerb::Revoke) => "admin_revoke",
            Self::Admin(AdminVerb::Pause) => "admin_pause",
            Self::Admin(AdminVerb::Resume) => "admin_resume",
            Self::Admin(AdminVerb::Promote) => "admin_promote",
            Self::Admin(AdminVerb::Evict) => "admin_evict",
            Self::Reload => "admin_reload",
            Self::WhoAmI => "admin_whoami",
            Self::OpenApi => "openapi",
        }
    }
}

/// Parses a path, and returns the pool's segment of it. A trailing slash is ignored.
pub(super) fn call(path: &str) -> Option<(V1Path, &str)> {
    if path == "/openapi.json" {
        return Some((V1Path::OpenApi, ""));
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path == "/v1/events" {
        return Some((V1Path::Events, ""));
    }
    if let Some(path) = path.strip_prefix("/v1/admin/") {
        return admin(path);
    }
    let mut segments = path.strip_prefix("/v1/pools")?.split('/');
    let mut next = || segments.next();
    match (next(), next(), next(), next(), next()) {
        (Some(""), None, ..) => Some((V1Path::Pools, "")),
        (Some(""), Some(pool), None, ..) => Some((V1Path::Pool, pool)),
        (Some(""), Some(pool), Some("acquire"), None, _) => Some((V1Path::Acquire, pool)),
        (Some(""), Some(pool), Some("renew"), None, _) => Some((V1Path::Renew, pool)),
        (Some(""), Some(pool), Some("release"), None, _) => Some((V1Path::Release, pool)),
        (Some(""), Some(pool), Some("history"), None, _) => Some((V1Path::History, pool)),
        (Some(""), Some(pool), Some("holders"), Some(token), None) => {
            Some((V1Path::Holder(token.parse().ok().map(Token)), pool))
        }
        _ => None,
    }
}

/// Parses what follows `/v1/admin/`.
fn admin(path: &str) -> Option<(V1Path, &str)> {
    if path == "reload" {
        return Some((V1Path::Reload, ""));
    }
    if path == "whoami" {
        return Some((V1Path::WhoAmI, ""));
    }
    let (pool, action) = path.strip_prefix("pools/")?.split_once('/')?;
    let verb = AdminVerb::parse(action)?;
    Some((V1Path::Admin(verb), pool))
}

/// Percent-decodes a segment; `None` if the result is not UTF-8.
pub(super) fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_call() {
        for (path, expected) in [
            ("/v1/pools", Some((V1Path::Pools, ""))),
            ("/v1/pools/", Some((V1Path::Pools, ""))),
            ("/v1/pools/a%2Fb", Some((V1Path::Pool, "a%2Fb"))),
            ("/v1/pools/a/acquire", Some((V1Path::Acquire, "a"))),
            ("/v1/pools/a/acquire/", Some((V1Path::Acquire, "a"))),
            ("/v1/pools/acquire/renew", Some((V1Path::Renew, "acquire"))),
            ("/v1/pools/a/release", Some((V1Path::Release, "a"))),
            ("/v1/pools/a/holders/17", Some((V1Path::Holder(Some(Token(17))), "a"))),
            ("/v1/pools/a/holders/x", Some((V1Path::Holder(None), "a"))),
            ("/v1/pools/a/history", Some((V1Path::History, "a"))),
            ("/v1/pools/history", Some((V1Path::Pool, "history"))),
            ("/v1/events", Some((V1Path::Events, ""))),
            ("/v1/events/", Some((V1Path::Events, ""))),
            ("/v1/admin/pools/a%2Fb/force-release", Some((V1Path::Admin(AdminVerb::ForceRelease), "a%2Fb"))),
            ("/v1/admin/pools/a/revoke", Some((V1Path::Admin(AdminVerb::Revoke), "a"))),
            ("/v1/admin/pools/a/pause/", Some((V1Path::Admin(AdminVerb::Pause), "a"))),
            ("/v1/admin/pools/a/resume", Some((V1Path::Admin(AdminVerb::Resume), "a"))),
            ("/v1/admin/pools/a/promote", Some((V1Path::Admin(AdminVerb::Promote), "a"))),
            ("/v1/admin/pools/a/evict", Some((V1Path::Admin(AdminVerb::Evict), "a"))),
            ("/v1/admin/reload", Some((V1Path::Reload, ""))),
            ("/v1/admin/whoami", Some((V1Path::WhoAmI, ""))),
            ("/openapi.json", Some((V1Path::OpenApi, ""))),
            ("/v1/admin", None),
            ("/v1/admin/pools", None),
            ("/v1/admin/pools/a", None),
            ("/v1/admin/pools/a/b/pause", None),
            ("/v1/admin/pools/a/acquire", None),
            ("/v1/admin/reload/a", None),
            ("/v1/admins/reload", None),
            ("/v1", None),
            ("/v1/poolsies", None),
            ("/v1/pools/a/holders", None),
            ("/v1/pools/a/acquire/b", None),
            ("/v1/pools/a/holders/17/b", None),
            ("/v1/pools/a/Acquire", None),
        ] {
            assert_eq!(call(path), expected, "{path}");
        }
    }
}
