//! JSON in: which lever is pulled, by whom and why.

use std::{sync::Arc, time::SystemTime};

use distributex_actors::{AdminAction, Operator, Ticket, Token};
use serde::Deserialize;

use super::{
    super::{
        error::Problem,
        field::Field,
        path::Pull,
        request::{bad, object, printable, seconds, text},
    },
    auth::Right,
};

/// So many bytes a reason or an author can have.
const LONGEST_TEXT: usize = 255;

/// Tokens and tickets stay below this, so that every reader of JSON has them exactly.
const MOST: f64 = (1_u64 << 53) as f64;

/// The fields of all levers; each looks at its own.
#[derive(Deserialize, Default)]
struct Fields<'a> {
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
pub(super) fn pulled(pull: Pull, body: &[u8], right: &Right) -> Result<(AdminAction, Operator), Problem> {
    let example = match pull {
        Pull::ForceRelease => r#"{"token": 1794718800123456, "reason": "web1 is broken"}"#,
        Pull::Revoke => r#"{"token": 1794718800123456, "within": 30, "reason": "kernel update"}"#,
        Pull::Pause => r#"{"reason": "kernel update"}"#,
        Pull::Resume => "{}",
        Pull::Front | Pull::Remove => r#"{"ticket": 1794718800123456, "reason": "web1 is broken"}"#,
    };
    let fields = match pull {
        Pull::Resume => perhaps(body, example)?,
        Pull::ForceRelease | Pull::Revoke | Pull::Pause | Pull::Front | Pull::Remove => {
            object(body, example)?
        }
    };
    let action = match pull {
        Pull::ForceRelease => AdminAction::ForceRelease(Token(whole("token", &fields.token, example)?)),
        Pull::Revoke => {
            let token = Token(whole("token", &fields.token, example)?);
            AdminAction::Revoke(token, seconds("within", &fields.within)?)
        }
        Pull::Pause => AdminAction::Pause,
        Pull::Resume => AdminAction::Resume,
        Pull::Front => AdminAction::Promote(Ticket(whole("ticket", &fields.ticket, example)?)),
        Pull::Remove => AdminAction::Evict(Ticket(whole("ticket", &fields.ticket, example)?)),
    };
    let operator = operator(&fields, right)?;
    if operator.reason.is_empty() && pull != Pull::Resume {
        return Err(bad(format!("\"reason\" is missing: say why, for those who wonder, as in {example}")));
    }
    Ok((action, operator))
}

/// Who lets the server read its configuration again.
pub(super) fn reload(body: &[u8], right: &Right) -> Result<Operator, Problem> {
    operator(&perhaps(body, r#"{"reason": "new pools"}"#)?, right)
}

/// The fields of a body that may as well be empty.
fn perhaps<'a>(body: &'a [u8], example: &str) -> Result<Fields<'a>, Problem> {
    if body.trim_ascii().is_empty() { Ok(Fields::default()) } else { object(body, example) }
}

/// Without a reason, that is empty.
fn operator(fields: &Fields<'_>, right: &Right) -> Result<Operator, Problem> {
    let author = right.author(words("author", &fields.author)?);
    let reason = words("reason", &fields.reason)?.unwrap_or_default();
    Ok(Operator { author, reason, at: SystemTime::now() })
}

/// Text that people are shown.
fn words(key: &str, field: &Field<'_>) -> Result<Option<Arc<str>>, Problem> {
    match text(key, field)? {
        Some(text) if text.is_empty() || text.len() > LONGEST_TEXT => {
            Err(bad(format!("{key:?} has to have 1 to {LONGEST_TEXT} bytes")))
        }
        text => Ok(text.map(printable)),
    }
}

fn whole(key: &str, field: &Field<'_>, example: &str) -> Result<u64, Problem> {
    match *field {
        Field::Absent => Err(bad(format!("{key:?} is missing: as in {example}"))),
        Field::Number(number) if (0.0..MOST).contains(&number) && number.fract() == 0.0 => Ok(number as u64),
        Field::Number(_) | Field::Text(_) | Field::Other => {
            Err(bad(format!("{key:?} has to be a whole number, without quotes, as GET /v1/pools tells it")))
        }
    }
}
