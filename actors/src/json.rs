//! JSON forms shared by the state directory and memcached entries.

use std::{borrow::Cow, time::Duration};

use distributex_config::Name;
use serde::{Deserialize, Serialize};

use crate::pool::{RequestId, Requester};

/// JSON form of a [`Requester`]. An anonymous one is a new requester when it is read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum RequesterJson<'a> {
    Host { host: Cow<'a, str> },
    Owner { host: Cow<'a, str>, owner: Cow<'a, str> },
    Once { host: Cow<'a, str> },
}

impl<'a> From<&'a Requester> for RequesterJson<'a> {
    fn from(requester: &'a Requester) -> Self {
        let text = |name: &'a Name| Cow::Borrowed(name.as_str());
        match requester {
            Requester::Host(host) => Self::Host { host: text(host) },
            Requester::Owner { host, owner } => Self::Owner { host: text(host), owner: text(owner) },
            Requester::Anonymous { host, request: _ } => Self::Once { host: text(host) },
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
            Self::Once { host } => Requester::Anonymous { host: name(host)?, request: RequestId::next() },
        })
    }
}

/// Whole microseconds, saturating.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
