//! What a path asks for.

use std::borrow::Cow;

use distributex_actors::Token;
use percent_encoding::percent_decode_str;

/// The calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
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
    Pull(Pull),
    /// `/v1/admin/reload`
    Reload,
    /// `/v1/admin/whoami`
    WhoAmI,
    /// `/openapi.json`
    OpenApi,
}

/// The levers of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pull {
    /// `force-release`
    ForceRelease,
    /// `revoke`
    Revoke,
    /// `pause`
    Pause,
    /// `resume`
    Resume,
    /// `front`
    Front,
    /// `remove`
    Remove,
}

impl Call {
    /// Whether it is a `POST`.
    pub(super) fn changes_something(self) -> bool {
        match self {
            Self::Acquire | Self::Renew | Self::Release | Self::Pull(_) | Self::Reload => true,
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
            Self::Pull(Pull::ForceRelease) => "admin_force_release",
            Self::Pull(Pull::Revoke) => "admin_revoke",
            Self::Pull(Pull::Pause) => "admin_pause",
            Self::Pull(Pull::Resume) => "admin_resume",
            Self::Pull(Pull::Front) => "admin_front",
            Self::Pull(Pull::Remove) => "admin_remove",
            Self::Reload => "admin_reload",
            Self::WhoAmI => "admin_whoami",
            Self::OpenApi => "openapi",
        }
    }
}

/// The call of a path, and the pool's segment in it. One slash at the end does not count.
pub(super) fn call(path: &str) -> Option<(Call, &str)> {
    if path == "/openapi.json" {
        return Some((Call::OpenApi, ""));
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path == "/v1/events" {
        return Some((Call::Events, ""));
    }
    if let Some(path) = path.strip_prefix("/v1/admin/") {
        return lever(path);
    }
    let mut segments = path.strip_prefix("/v1/pools")?.split('/');
    let mut next = || segments.next();
    match (next(), next(), next(), next(), next()) {
        (Some(""), None, ..) => Some((Call::Pools, "")),
        (Some(""), Some(pool), None, ..) => Some((Call::Pool, pool)),
        (Some(""), Some(pool), Some("acquire"), None, _) => Some((Call::Acquire, pool)),
        (Some(""), Some(pool), Some("renew"), None, _) => Some((Call::Renew, pool)),
        (Some(""), Some(pool), Some("release"), None, _) => Some((Call::Release, pool)),
        (Some(""), Some(pool), Some("history"), None, _) => Some((Call::History, pool)),
        (Some(""), Some(pool), Some("holders"), Some(token), None) => {
            Some((Call::Holder(token.parse().ok().map(Token)), pool))
        }
        _ => None,
    }
}

/// The same for what stands behind `/v1/admin/`.
fn lever(path: &str) -> Option<(Call, &str)> {
    if path == "reload" {
        return Some((Call::Reload, ""));
    }
    if path == "whoami" {
        return Some((Call::WhoAmI, ""));
    }
    let (pool, action) = path.strip_prefix("pools/")?.split_once('/')?;
    let pull = match action {
        "force-release" => Pull::ForceRelease,
        "revoke" => Pull::Revoke,
        "pause" => Pull::Pause,
        "resume" => Pull::Resume,
        "front" => Pull::Front,
        "remove" => Pull::Remove,
        _ => return None,
    };
    Some((Call::Pull(pull), pool))
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
            ("/v1/pools", Some((Call::Pools, ""))),
            ("/v1/pools/", Some((Call::Pools, ""))),
            ("/v1/pools/a%2Fb", Some((Call::Pool, "a%2Fb"))),
            ("/v1/pools/a/acquire", Some((Call::Acquire, "a"))),
            ("/v1/pools/a/acquire/", Some((Call::Acquire, "a"))),
            ("/v1/pools/acquire/renew", Some((Call::Renew, "acquire"))),
            ("/v1/pools/a/release", Some((Call::Release, "a"))),
            ("/v1/pools/a/holders/17", Some((Call::Holder(Some(Token(17))), "a"))),
            ("/v1/pools/a/holders/x", Some((Call::Holder(None), "a"))),
            ("/v1/pools/a/history", Some((Call::History, "a"))),
            ("/v1/pools/history", Some((Call::Pool, "history"))),
            ("/v1/events", Some((Call::Events, ""))),
            ("/v1/events/", Some((Call::Events, ""))),
            ("/v1/admin/pools/a%2Fb/force-release", Some((Call::Pull(Pull::ForceRelease), "a%2Fb"))),
            ("/v1/admin/pools/a/revoke", Some((Call::Pull(Pull::Revoke), "a"))),
            ("/v1/admin/pools/a/pause/", Some((Call::Pull(Pull::Pause), "a"))),
            ("/v1/admin/pools/a/resume", Some((Call::Pull(Pull::Resume), "a"))),
            ("/v1/admin/pools/a/front", Some((Call::Pull(Pull::Front), "a"))),
            ("/v1/admin/pools/a/remove", Some((Call::Pull(Pull::Remove), "a"))),
            ("/v1/admin/reload", Some((Call::Reload, ""))),
            ("/v1/admin/whoami", Some((Call::WhoAmI, ""))),
            ("/openapi.json", Some((Call::OpenApi, ""))),
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
