//! JSON forms shared by the state directory and memcached entries.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use distributex_config::Name;
use serde::{Deserialize, Serialize};

use crate::pool::{Operator, RequestId, Requester};

/// Exclusive limit of tokens, tickets and positions: JSON numbers are exact below it.
pub(crate) const JSON_NUMBER_LIMIT: u64 = 1 << 53;

/// JSON form of a [`Requester`]. An anonymous one is a new requester when it is read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum RequesterJson<'a> {
    Host { host: Cow<'a, str> },
    Owner { host: Cow<'a, str>, owner: Cow<'a, str> },
    Anonymous { host: Cow<'a, str> },
}

impl<'a> From<&'a Requester> for RequesterJson<'a> {
    fn from(requester: &'a Requester) -> Self {
        let text = |name: &'a Name| Cow::Borrowed(name.as_str());
        match requester {
            Requester::Host(host) => Self::Host { host: text(host) },
            Requester::Owner { host, owner } => Self::Owner { host: text(host), owner: text(owner) },
            Requester::Anonymous { host, request: _ } => Self::Anonymous { host: text(host) },
        }
    }
}

impl RequesterJson<'_> {
    /// The requester; `None` if its names are invalid.
    pub(crate) fn read(self) -> Option<Requester> {
        let name = |text: Cow<'_, str>| Name::new(&text).ok();
        Some(match self {
            Self::Host { host } => Requester::Host(name(host)?),
            Self::Owner { host, owner } => Requester::Owner { host: name(host)?, owner: name(owner)? },
            Self::Anonymous { host } => {
                Requester::Anonymous { host: name(host)?, request: RequestId::next() }
            }
        })
    }
}

/// JSON form of an [`Operator`]. The time is in microseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OperatorJson<'a> {
    #[serde(borrow)]
    author: Cow<'a, str>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    at: u64,
}

impl<'a> From<&'a Operator> for OperatorJson<'a> {
    fn from(operator: &'a Operator) -> Self {
        let at = micros(operator.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let (author, reason) = (Cow::Borrowed(&*operator.author), Cow::Borrowed(&*operator.reason));
        Self { author, reason, at }
    }
}

impl OperatorJson<'_> {
    /// The operator. A time that is out of range is that of the epoch.
    pub(crate) fn read(self) -> Operator {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(self.at));
        let at = at.unwrap_or(SystemTime::UNIX_EPOCH);
        Operator { author: self.author.into(), reason: self.reason.into(), at }
    }
}

/// Whole microseconds, saturating.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
