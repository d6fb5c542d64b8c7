//! How things are written down as JSON, wherever leases live.

use std::{borrow::Cow, time::Duration};

use distributex_config::Name;
use serde::{Deserialize, Serialize};

use crate::pool::{AskId, Asker};

/// An [`Asker`]. One that asked once is a new one, whoever reads it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Who<'a> {
    Host { host: Cow<'a, str> },
    Owner { host: Cow<'a, str>, owner: Cow<'a, str> },
    Once { host: Cow<'a, str> },
}

impl<'a> From<&'a Asker> for Who<'a> {
    fn from(asker: &'a Asker) -> Self {
        let text = |name: &'a Name| Cow::Borrowed(name.as_str());
        match asker {
            Asker::Host(host) => Self::Host { host: text(host) },
            Asker::Owner { host, owner } => Self::Owner { host: text(host), owner: text(owner) },
            Asker::Once { host, ask: _ } => Self::Once { host: text(host) },
        }
    }
}

impl Who<'_> {
    /// The asker, if its names are names.
    pub(crate) fn read(self) -> Option<Asker> {
        let name = |text: Cow<'_, str>| Name::new(&text).ok();
        Some(match self {
            Self::Host { host } => Asker::Host(name(host)?),
            Self::Owner { host, owner } => Asker::Owner { host: name(host)?, owner: name(owner)? },
            Self::Once { host } => Asker::Once { host: name(host)?, ask: AskId::next() },
        })
    }
}

/// Whole microseconds, for as long as there are years to count.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
