//! What a path asks for.

use std::borrow::Cow;

use distributex_actors::Token;
use percent_encoding::percent_decode_str;

/// The calls.
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
    /// `/v1/pools/{pool}/holders/{token}`; `None` if that is no token at all.
    Holder(Option<Token>),
    /// `/v1/pools/{pool}/history`
    History,
    /// `/v1/events`
    Events,
    /// `/v1/admin/pools/{pool}/…`
    Admin(AdminPath),
    /// `/v1/admin/reload`
    Reload,
    /// `/v1/admin/whoami`
    WhoAmI,
    /// `/openapi.json`
    OpenApi,
}

/// The levers of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdminPath {
    /// `force-release`
    ForceRelease,
    /// `revoke`
    Revoke,
    /// `pause`
    Pause,
    /// `resume`
    Resume,
    /// `front`
    Promote,
    /// `remove`
    Evict,
}

impl V1Path {
    /// Whether it is a `POST`.
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

    /// The word for it, for who counts.
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
            Self::Admin(AdminPath::ForceRelease) => "admin_force_release",
            Self::Admin(AdminPath::Revoke) => "admin_revoke",
            Self::Admin(AdminPath::Pause) => "admin_pause",
            Self::Admin(AdminPath::Resume) => "admin_resume",
            Self::Admin(AdminPath::Promote) => "admin_front",
            Self::Admin(AdminPath::Evict) => "admin_remove",
            Self::Reload => "admin_reload",
            Self::WhoAmI => "admin_whoami",
            Self::OpenApi => "openapi",
        }
    }
}

/// The call of a path, and the pool's segment in it. One slash at the end does not count.
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

/// The same for what stands behind `/v1/admin/`.
fn admin(path: &str) -> Option<(V1Path, &str)> {
    if path == "reload" {
        return Some((V1Path::Reload, ""));
    }
    if path == "whoami" {
        return Some((V1Path::WhoAmI, ""));
    }
    let (pool, action) = path.strip_prefix("pools/")?.split_once('/')?;
    let pull = match action {
        "force-release" => AdminPath::ForceRelease,
        "revoke" => AdminPath::Revoke,
        "pause" => AdminPath::Pause,
        "resume" => AdminPath::Resume,
        "front" => AdminPath::Promote,
        "remove" => AdminPath::Evict,
        _ => return None,
    };
    Some((V1Path::Admin(pull), pool))
}

/// A segment without its percent signs; `None` if that is not UTF-8.
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
            ("/v1/admin/pools/a%2Fb/force-release", Some((V1Path::Admin(AdminPath::ForceRelease), "a%2Fb"))),
            ("/v1/admin/pools/a/revoke", Some((V1Path::Admin(AdminPath::Revoke), "a"))),
            ("/v1/admin/pools/a/pause/", Some((V1Path::Admin(AdminPath::Pause), "a"))),
            ("/v1/admin/pools/a/resume", Some((V1Path::Admin(AdminPath::Resume), "a"))),
            ("/v1/admin/pools/a/front", Some((V1Path::Admin(AdminPath::Promote), "a"))),
            ("/v1/admin/pools/a/remove", Some((V1Path::Admin(AdminPath::Evict), "a"))),
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
