//! Rights to admin actions: the admin socket, or an operator's key over TCP.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use distributex_config::{AdminKey, Name};
use distributex_protocol::error::ErrorKind;
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use super::super::error::V1Error;

/// Right of a client to admin actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Right {
    /// The admin socket, opened by this user id.
    Local(u32),
    /// The key with this name.
    Key(Name),
}

impl Right {
    /// Author to record, where the request may name one.
    pub(super) fn author(&self, named: Option<Arc<str>>) -> Arc<str> {
        match (self, named) {
            (Self::Local(_), Some(named)) => named,
            (Self::Local(uid), None) => format!("uid {uid}").into(),
            (Self::Key(key), Some(named)) if *named != *key.as_str() => format!("{named} (key {key})").into(),
            (Self::Key(key), Some(_) | None) => key.as_str().into(),
        }
    }
}

/// The right of a request with these headers, and the user id of the admin socket if it came that way. Checked before
/// anything else of the request is read, so that a client without a right learns nothing else.
pub(in super::super) fn right(
    headers: &HeaderMap,
    uid: Option<u32>,
    keys: &[AdminKey],
) -> Result<Right, V1Error> {
    if is_foreign(headers) {
        return Err(refused(
            "the request comes from a page of another site (see its Origin), which may not perform admin actions",
        ));
    }
    if let Some(uid) = uid {
        return Ok(Right::Local(uid));
    }
    if keys.is_empty() {
        return Err(refused(
            "no keys are configured (\"admin_keys\"): admin actions are possible only on the server's machine, through the \
             admin socket (\"admin_socket\")",
        ));
    }
    let Some(key) = only(headers, &AUTHORIZATION).and_then(bearer) else {
        return Err(refused(
            "admin actions need a key: send \"Authorization: Bearer KEY\", or use the admin socket (\"admin_socket\") on the \
             server's machine",
        ));
    };
    let name = named(key, keys).ok_or_else(|| {
        refused(
            "unknown key: \"admin_keys\" in the server's configuration lists the hashes of valid keys, as printed by \
             printf %s \"$key\" | sha256sum",
        )
    })?;
    Ok(Right::Key(name.clone()))
}

/// Whether a browser sends this for a page that is not the server's own.
fn is_foreign(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ORIGIN) {
        return false;
    }
    let (Some(origin), Some(host)) = (only(headers, &ORIGIN), only(headers, &HOST)) else { return true };
    let own = [&b"http://"[..], b"https://"].iter().any(|scheme| {
        let (start, rest) = origin.as_bytes().split_at_checked(scheme.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(scheme) && rest.eq_ignore_ascii_case(host.as_bytes())
    });
    !own
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name);
    values.next().filter(|_| values.next().is_none())
}

/// The key in the value of an Authorization header, if it is there as one.
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let value = value.as_bytes();
    let (scheme, key) = value.split_at(value.iter().position(|byte| *byte == b' ')?);
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer") && !key.is_empty()).then_some(key)
}

/// The name of this key. Takes the same time for every key: all hashes are compared.
fn named<'a>(key: &[u8], keys: &'a [AdminKey]) -> Option<&'a Name> {
    let hash = Sha256::digest(key);
    let mut found = u64::MAX;
    for (number, key) in (0_u64..).zip(keys) {
        found.conditional_assign(&number, key.hash[..].ct_eq(&hash[..]));
    }
    keys.get(usize::try_from(found).ok()?).map(|key| &key.name)
}

fn refused(message: &'static str) -> V1Error {
    V1Error::new(ErrorKind::Unauthorized, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: fn(&str) -> [u8; 32] = |key| Sha256::digest(key).into();

    fn keys() -> Vec<AdminKey> {
        [("ann", "secret of ann"), ("bob", "secret of bob"), ("cid", "secret of cid")]
            .map(|(name, key)| AdminKey { name: Name::new(name).unwrap(), hash: HASH(key) })
            .into()
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// The name of the key, or the sentence that refuses.
    fn over_tcp(lines: &[(&'static str, &str)], keys: &[AdminKey]) -> Result<String, String> {
        match right(&headers(lines), None, keys) {
            Ok(right) => Ok(right.author(None).as_ref().to_owned()),
            Err(problem) => Err(format!("{problem:?}")),
        }
    }

    #[test]
    fn a_valid_key_is_accepted_under_its_name() {
        for (value, name) in [
            ("Bearer secret of ann", "ann"),
            ("bearer secret of bob", "bob"),
            ("BEARER   secret of cid ", "cid"),
        ] {
            let lines = [("host", "x"), ("authorization", value)];
            assert_eq!(over_tcp(&lines, &keys()), Ok(name.to_owned()), "{value}");
        }
    }

    #[test]
    fn without_a_valid_key_the_refusal_says_what_to_send() {
        let long = format!("Bearer {}", "x".repeat(100_000));
        for (value, said) in [
            ("Bearer secret of dan", "unknown key"),
            ("Bearer secret of ann2", "unknown key"),
            (&long, "unknown key"),
            ("Bearer ", "send \\\"Authorization: Bearer KEY"),
            ("Bearer", "send \\\"Authorization: Bearer KEY"),
            ("secret of ann", "send \\\"Authorization: Bearer KEY"),
            ("Basic secret of ann", "send \\\"Authorization: Bearer KEY"),
            ("", "send \\\"Authorization: Bearer KEY"),
        ] {
            let refused = over_tcp(&[("authorization", value)], &keys()).unwrap_err();
            assert!(refused.contains(said), "{value:.50}: {refused}");
            let refused = over_tcp(&[("authorization", value)], &[]).unwrap_err();
            assert!(refused.contains("no keys are configured"), "{value:.50}: {refused}");
        }
        let twice = [("authorization", "Bearer secret of ann"), ("authorization", "Bearer secret of bob")];
        assert!(over_tcp(&twice, &keys()).is_err());
    }

    #[test]
    fn only_the_servers_own_page_may_be_the_origin_whatever_right_there_is() {
        for (host, origin, is_own) in [
            ("locks:9889", "http://locks:9889", true),
            ("locks", "https://LOCKS", true),
            ("locks:9889", "http://locks", false),
            ("locks:9889", "http://evil.example", false),
            ("locks:9889", "http://locks:9889.evil.example", false),
            ("locks:9889", "http://evil.example/http://locks:9889", false),
            ("locks:9889", "ftp://locks:9889", false),
            ("locks:9889", "null", false),
            ("locks:9889", "", false),
        ] {
            let lines = [("host", host), ("origin", origin), ("authorization", "Bearer secret of ann")];
            assert_eq!(over_tcp(&lines, &keys()).is_ok(), is_own, "{host} {origin}");
            assert_eq!(right(&headers(&lines), Some(0), &[]).is_ok(), is_own, "{host} {origin}");
        }
        let twice = [("host", "locks"), ("origin", "http://locks"), ("origin", "http://evil.example")];
        assert!(right(&headers(&twice), Some(0), &[]).is_err());
        assert!(right(&headers(&[("origin", "http://locks")]), Some(0), &[]).is_err());
    }

    #[test]
    fn the_author_is_who_is_named_and_a_key_shows_whose_it_is() {
        let (local, key) = (Right::Local(1000), Right::Key(Name::new("ann").unwrap()));
        for (right, named, shown) in [
            (&local, None, "uid 1000"),
            (&local, Some("eve"), "eve"),
            (&key, None, "ann"),
            (&key, Some("ann"), "ann"),
            (&key, Some("eve"), "eve (key ann)"),
        ] {
            assert_eq!(&*right.author(named.map(Arc::from)), shown);
        }
    }
}
