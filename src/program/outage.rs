//! What keeps a waiter from its line, and for how long it has done so.

use std::time::Duration;

use tokio::time::Instant;

use super::console::{Console, DisplaySeconds};
use distributex_client::{ClassicClient, ClientError};

/// A trouble is told after so long; a server that is only restarted is no news.
const REPORT_AFTER: Duration = Duration::from_secs(20);

/// Why there was no answer, or none that helps.
#[derive(Debug)]
pub(crate) enum AttemptFailure {
    /// The server gives out no slots for the moment.
    Unavailable,
    /// There is no server, or none that can be understood.
    NoAnswer(ClientError),
}

/// A row of failed attempts.
#[derive(Debug)]
pub(crate) struct OutageReporter {
    /// When the first one failed.
    since: Instant,
    /// Whether somebody was told.
    told: bool,
}

impl AttemptFailure {
    /// What a person should know of it.
    pub(crate) fn sentence(&self, asker: &ClassicClient) -> String {
        let ClassicClient { server, pool, .. } = asker;
        match self {
            Self::Unavailable => format!(
                "{server} gives out no slots of {pool:?} now: it is stopping, its line is full or its store is away"
            ),
            Self::NoAnswer(error) => error.to_string(),
        }
    }
}

impl OutageReporter {
    /// It begins now.
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), told: false }
    }

    /// Tells of a failure, after which comes a pause: once to everybody if it lasts, else to who wants it.
    pub(crate) fn report(&mut self, sentence: &str, pause: Duration, console: Console) {
        if !self.told && self.since.elapsed() > REPORT_AFTER {
            self.told = true;
            console.error(format_args!("{sentence}; trying again until it works"));
        } else {
            console.verbose(format_args!("{sentence}; trying again in {} s", DisplaySeconds(pause)));
        }
    }
}
