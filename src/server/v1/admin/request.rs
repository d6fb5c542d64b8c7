//! Request bodies of admin actions.

use std::{sync::Arc, time::SystemTime};

use distributex_actors::{AdminAction, Operator, Ticket, Token};
use distributex_protocol::admin::AdminVerb;
use serde::Deserialize;

use super::{
    super::{
        error::V1Error,
        field::Field,
        request::{bad, object, printable, seconds, text},
    },
    auth::Right,
};

/// Maximum length of a reason or an author.
const MAX_TEXT_BYTES: usize = 255;

/// Tokens and tickets are below this: JSON numbers are exact there.
const MAX_SAFE_JSON_INTEGER: f64 = (1_u64 << 53) as f64;

/// Fields of all actions; each reads its own.
#[derive(Deserialize, Default)]
struct AdminFields<'a> {
    #[serde(borrow, default)]
    token: Field<'a>,
    #[serde(borrow, default)]
    ticket: Field<'a>,
    #[serde(borrow, default)]
    within: Field<'a>,
    #[serde(borrow, default)]
    reason: Field<'a>,
    #[serde(borrow, default)]
    author: Field<'a>,
}

/// Reads the body of an action on a pool.
pub(super) fn action(
    verb: AdminVerb,
    body: &[u8],
    right: &Right,
) -> Result<(AdminAction, Operator), V1Error> {
    let example = match verb {
        AdminVerb::ForceRelease => r#"{"token": 1794718800123456, "reason": "web1 is broken"}"#,
        AdminVerb::Revoke => r#"{"token": 1794718800123456, "within": 30, "reason": "kernel update"}"#,
        AdminVerb::Pause => r#"{"reason": "kernel update"}"#,
        AdminVerb::Resume => "{}",
        AdminVerb::Promote | AdminVerb::Evict => {
            r#"{"ticket": 1794718800123456, "reason": "web1 is broken"}"#
        }
    };
    let fields = match verb {
        AdminVerb::Resume => object_or_empty(body, example)?,
        AdminVerb::ForceRelease
        | AdminVerb::Revoke
        | AdminVerb::Pause
        | AdminVerb::Promote
        | AdminVerb::Evict => object(body, example)?,
    };
    let token = || whole("token", &fields.token, example).map(Token);
    let ticket = || whole("ticket", &fields.ticket, example).map(Ticket);
    let action = match verb {
        AdminVerb::ForceRelease => AdminAction::ForceRelease(token()?),
        AdminVerb::Revoke => AdminAction::Revoke(token()?, seconds("within", &fields.within)?),
        AdminVerb::Pause => AdminAction::Pause,
        AdminVerb::Resume => AdminAction::Resume,
        AdminVerb::Promote => AdminAction::Promote(ticket()?),
        AdminVerb::Evict => AdminAction::Evict(ticket()?),
    };
    let operator = operator(&fields, right)?;
    if operator.reason.is_empty() && verb != AdminVerb::Resume {
        return Err(bad(format!("\"reason\" is required, as in {example}")));
    }
    Ok((action, operator))
}

/// Reads the body of a reload.
pub(super) fn reload(body: &[u8], right: &Right) -> Result<Operator, V1Error> {
    operator(&object_or_empty(body, r#"{"reason": "new pools"}"#)?, right)
}

/// The fields of a body that may be empty.
fn object_or_empty<'a>(body: &'a [u8], example: &str) -> Result<AdminFields<'a>, V1Error> {
    if body.trim_ascii().is_empty() { Ok(AdminFields::default()) } else { object(body, example) }
}

/// The operator; without a reason, it is empty.
fn operator(fields: &AdminFields<'_>, right: &Right) -> Result<Operator, V1Error> {
    let author = right.author(words("author", &fields.author)?);
    let reason = words("reason", &fields.reason)?.unwrap_or_default();
    Ok(Operator { author, reason, at: SystemTime::now() })
}

/// A field with text for people.
fn words(key: &str, field: &Field<'_>) -> Result<Option<Arc<str>>, V1Error> {
    match text(key, field)? {
        Some(text) if text.is_empty() || text.len() > MAX_TEXT_BYTES => {
            Err(bad(format!("{key:?} must be 1 to {MAX_TEXT_BYTES} bytes")))
        }
        text => Ok(text.map(printable)),
    }
}

fn whole(key: &str, field: &Field<'_>, example: &str) -> Result<u64, V1Error> {
    match *field {
        Field::Absent => Err(bad(format!("{key:?} is required, as in {example}"))),
        Field::Number(number) if (0.0..MAX_SAFE_JSON_INTEGER).contains(&number) && number.fract() == 0.0 => {
            Ok(number as u64)
        }
        Field::Number(_) | Field::Text(_) | Field::Other => {
            Err(bad(format!("{key:?} must be an integer without quotes, as in GET /v1/pools")))
        }
    }
}
