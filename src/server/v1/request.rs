//! Request bodies of the v1 protocol.

use std::{borrow::Cow, sync::Arc, time::Duration};

use distributex_actors::{AcquireRequest, LeaseId, ReleaseTarget, RequestId, Requester};
use distributex_config::{MAX_EXPIRE, Name};
use distributex_protocol::error::ErrorKind;
use serde::Deserialize;

use super::{error::V1Error, field::Field};

/// Minimum `ttl`: below it no client could renew in time.
const MIN_TTL: Duration = Duration::from_millis(500);

/// Maximum number of bytes kept of a `command`.
const MAX_COMMAND_BYTES: usize = 255;

/// Fields of all calls; each call reads its own.
#[derive(Deserialize)]
struct RequestFields<'a> {
    #[serde(borrow, default)]
    host: Field<'a>,
    #[serde(borrow, default)]
    owner: Field<'a>,
    #[serde(borrow, default)]
    wait: Field<'a>,
    #[serde(borrow, default)]
    patience: Field<'a>,
    #[serde(borrow, default)]
    ttl: Field<'a>,
    #[serde(borrow, default)]
    command: Field<'a>,
    #[serde(borrow, default)]
    lease: Field<'a>,
    #[serde(borrow, default)]
    exit_status: Field<'a>,
}

/// Parses the body of an acquire.
pub(super) fn acquire(body: &[u8]) -> Result<AcquireRequest, V1Error> {
    let fields = fields(body)?;
    let host = name("host", &fields.host)?.ok_or_else(|| missing("\"host\""))?;
    let id = RequestId::next();
    let requester = match name("owner", &fields.owner)? {
        Some(owner) => Requester::Owner { host, owner },
        None => Requester::Anonymous { host, request: id },
    };
    Ok(AcquireRequest {
        id,
        requester,
        wait: Some(seconds("wait", &fields.wait)?.unwrap_or_default()),
        patience: seconds("patience", &fields.patience)?,
        ttl: ttl(&fields)?,
        command: text("command", &fields.command)?.map(command),
        lease: Some(LeaseId::random()),
        want_snapshot: true,
    })
}

/// Whether the requester may keep its queue entry when its request ends without a slot.
pub(super) fn keeps_queue_entry(request: &AcquireRequest) -> bool {
    request.requester.is_resumable() && request.patience != Some(Duration::ZERO)
}

/// Parses the body of a renew: the lease, and its new lifetime if given.
pub(super) fn renew(body: &[u8]) -> Result<(LeaseId, Option<Duration>), V1Error> {
    let fields = fields(body)?;
    let ttl = ttl(&fields)?;
    let lease = lease(&fields)?.ok_or_else(|| missing("\"lease\""))?;
    Ok((lease, ttl))
}

/// Parses the body of a release: its target, and the exit status of the work if given.
pub(super) fn release(body: &[u8]) -> Result<(ReleaseTarget, Option<u8>), V1Error> {
    let fields = fields(body)?;
    let exit_status = exit_status(&fields.exit_status)?;
    if let Some(lease) = lease(&fields)? {
        return Ok((ReleaseTarget::Lease(lease), exit_status));
    }
    match (name("host", &fields.host)?, name("owner", &fields.owner)?) {
        (Some(host), Some(owner)) => {
            Ok((ReleaseTarget::Requester(Requester::Owner { host, owner }), exit_status))
        }
        (Some(_) | None, Some(_) | None) => Err(missing("\"lease\", or \"host\" and \"owner\"")),
    }
}

fn fields(body: &[u8]) -> Result<RequestFields<'_>, V1Error> {
    object(body, r#"{"host": "web1"}"#)
}

/// Parses a body, which must be an object such as the example.
pub(super) fn object<'a, T: Deserialize<'a>>(body: &'a [u8], example: &str) -> Result<T, V1Error> {
    match body.trim_ascii_start().first() {
        Some(b'{') => {
            let text =
                std::str::from_utf8(body).map_err(|error| bad(format!("the body is not UTF-8: {error}")))?;
            serde_json::from_str(text).map_err(|error| bad(format!("invalid JSON: {error}")))
        }
        Some(_) => Err(bad(format!("the body must be a JSON object, such as {example}"))),
        None => Err(bad(format!("the body is empty: it must be a JSON object, such as {example}"))),
    }
}

/// A string field.
pub(super) fn text<'a>(key: &str, field: &'a Field<'_>) -> Result<Option<&'a str>, V1Error> {
    match field {
        Field::Absent => Ok(None),
        Field::Text(text) => Ok(Some(text)),
        Field::Number(_) | Field::Other => Err(bad(format!("{key:?} must be a string"))),
    }
}

fn name(key: &str, field: &Field<'_>) -> Result<Option<Name>, V1Error> {
    let Some(text) = text(key, field)? else { return Ok(None) };
    Name::new(text).map(Some).map_err(|error| bad(format!("{key:?}: {error}")))
}

/// A field with a number of seconds, limited to the maximum expiry.
pub(super) fn seconds(key: &str, field: &Field<'_>) -> Result<Option<Duration>, V1Error> {
    match *field {
        Field::Absent => Ok(None),
        Field::Number(number) if number >= 0.0 => {
            Ok(Some(Duration::from_secs_f64(number.min(MAX_EXPIRE.as_secs_f64()))))
        }
        Field::Number(_) | Field::Text(_) | Field::Other => {
            Err(bad(format!("{key:?} must be a number of seconds, 0 or more, without quotes")))
        }
    }
}

fn ttl(fields: &RequestFields<'_>) -> Result<Option<Duration>, V1Error> {
    let ttl = seconds("ttl", &fields.ttl)?;
    if ttl.is_some_and(|ttl| ttl < MIN_TTL) {
        return Err(bad(format!("\"ttl\" must be at least {} s", MIN_TTL.as_secs_f64())));
    }
    Ok(ttl)
}

fn exit_status(field: &Field<'_>) -> Result<Option<u8>, V1Error> {
    match *field {
        Field::Absent => Ok(None),
        Field::Number(number) if (0.0..=255.0).contains(&number) && number.fract() == 0.0 => {
            Ok(Some(number as u8))
        }
        Field::Number(_) | Field::Text(_) | Field::Other => {
            Err(bad("\"exit_status\" must be an integer from 0 to 255, without quotes"))
        }
    }
}

/// The lease id. A text that cannot be one is answered like that of a lost lease.
fn lease(fields: &RequestFields<'_>) -> Result<Option<LeaseId>, V1Error> {
    let Some(text) = text("lease", &fields.lease)? else { return Ok(None) };
    LeaseId::parse(text).map(Some).ok_or_else(|| V1Error::lease_lost(None))
}

fn command(text: &str) -> Arc<str> {
    printable(&text[..text.floor_char_boundary(MAX_COMMAND_BYTES)])
}

/// The text without control characters, which could move a cursor or break a line.
pub(super) fn printable(text: &str) -> Arc<str> {
    if text.contains(char::is_control) { text.replace(char::is_control, " ").into() } else { text.into() }
}

fn missing(what: &str) -> V1Error {
    bad(format!("{what} is required"))
}

/// The error for a mistake in a body.
pub(super) fn bad(message: impl Into<Cow<'static, str>>) -> V1Error {
    V1Error::new(ErrorKind::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_utf8_also_where_nobody_looks() {
        let refused =
            |body: &[u8]| acquire(body).err().map(|problem| format!("{problem:?}")).unwrap_or_default();

        assert_eq!(refused(br#"{"host": "web1", "x": "y"}"#), "");
        for body in [&b"{\"host\": \"web1\", \"x\": \"\xff\"}"[..], b"{\"host\": \"web1\", \"\xff\": 1}"] {
            assert!(refused(body).contains("the body is not UTF-8"), "{}", refused(body));
        }
    }
}
