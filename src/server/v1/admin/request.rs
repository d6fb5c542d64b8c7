//! JSON in: which lever is pulled, by whom and why.

use std::{sync::Arc, time::SystemTime};

use distributex_actors::{AdminAction, Operator, Ticket, Token};
use serde::Deserialize;

use super::{
    super::{
        error::V1Error,
        field::Field,
        path::AdminPath,
        request::{bad, object, printable, seconds, text},
    },
    auth::Right,
};

/// So many bytes a reason or an author can have.
const MAX_TEXT_BYTES: usize = 255;

/// Tokens and tickets stay below this, so that every reader of JSON has them exactly.
const MAX_SAFE_JSON_INTEGER: f64 = (1_u64 << 53) as f64;

/// The fields of all levers; each looks at its own.
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

/// Which lever of a pool is pulled.
pub(super) fn pulled(
    pull: AdminPath,
    body: &[u8],
    right: &Right,
) -> Result<(AdminAction, Operator), V1Error> {
    let example = match pull {
        AdminPath::ForceRelease => r#"{"token": 1794718800123456, "reason": "web1 is broken"}"#,
        AdminPath::Revoke => r#"{"token": 1794718800123456, "within": 30, "reason": "kernel update"}"#,
        AdminPath::Pause => r#"{"reason": "kernel update"}"#,
        AdminPath::Resume => "{}",
        AdminPath::Promote | AdminPath::Evict => {
            r#"{"ticket": 1794718800123456, "reason": "web1 is broken"}"#
        }
    };
    let fields = match pull {
        AdminPath::Resume => perhaps(body, example)?,
        AdminPath::ForceRelease
        | AdminPath::Revoke
        | AdminPath::Pause
        | AdminPath::Promote
        | AdminPath::Evict => object(body, example)?,
    };
    let action = match pull {
        AdminPath::ForceRelease => AdminAction::ForceRelease(Token(whole("token", &fields.token, example)?)),
        AdminPath::Revoke => {
            let token = Token(whole("token", &fields.token, example)?);
            AdminAction::Revoke(token, seconds("within", &fields.within)?)
        }
        AdminPath::Pause => AdminAction::Pause,
        AdminPath::Resume => AdminAction::Resume,
        AdminPath::Promote => AdminAction::Promote(Ticket(whole("ticket", &fields.ticket, example)?)),
        AdminPath::Evict => AdminAction::Evict(Ticket(whole("ticket", &fields.ticket, example)?)),
    };
    let operator = operator(&fields, right)?;
    if operator.reason.is_empty() && pull != AdminPath::Resume {
        return Err(bad(format!("\"reason\" is missing: say why, for those who wonder, as in {example}")));
    }
    Ok((action, operator))
}

/// Who lets the server read its configuration again.
pub(super) fn reload(body: &[u8], right: &Right) -> Result<Operator, V1Error> {
    operator(&perhaps(body, r#"{"reason": "new pools"}"#)?, right)
}

/// The fields of a body that may as well be empty.
fn perhaps<'a>(body: &'a [u8], example: &str) -> Result<AdminFields<'a>, V1Error> {
    if body.trim_ascii().is_empty() { Ok(AdminFields::default()) } else { object(body, example) }
}

/// Without a reason, that is empty.
fn operator(fields: &AdminFields<'_>, right: &Right) -> Result<Operator, V1Error> {
    let author = right.author(words("author", &fields.author)?);
    let reason = words("reason", &fields.reason)?.unwrap_or_default();
    Ok(Operator { author, reason, at: SystemTime::now() })
}

/// Text that people are shown.
fn words(key: &str, field: &Field<'_>) -> Result<Option<Arc<str>>, V1Error> {
    match text(key, field)? {
        Some(text) if text.is_empty() || text.len() > MAX_TEXT_BYTES => {
            Err(bad(format!("{key:?} has to have 1 to {MAX_TEXT_BYTES} bytes")))
        }
        text => Ok(text.map(printable)),
    }
}

fn whole(key: &str, field: &Field<'_>, example: &str) -> Result<u64, V1Error> {
    match *field {
        Field::Absent => Err(bad(format!("{key:?} is missing: as in {example}"))),
        Field::Number(number) if (0.0..MAX_SAFE_JSON_INTEGER).contains(&number) && number.fract() == 0.0 => {
            Ok(number as u64)
        }
        Field::Number(_) | Field::Text(_) | Field::Other => {
            Err(bad(format!("{key:?} has to be a whole number, without quotes, as GET /v1/pools tells it")))
        }
    }
}
