//! Reports of an outage while a request is retried.

use std::time::Duration;

use tokio::time::Instant;

use super::console::{Console, DisplaySeconds};
use distributex_client::{ClassicClient, ClientError};

/// Outages up to this long, such as a restart of the server, are reported only with -v.
const REPORT_AFTER: Duration = Duration::from_secs(20);

/// Failure of an attempt of the classic protocol.
#[derive(Debug)]
pub(crate) enum AttemptFailure {
    /// The server grants no slots at the moment.
    Unavailable,
    /// The server cannot be reached, or its response is invalid.
    NoAnswer(ClientError),
}

/// A series of failed attempts.
#[derive(Debug)]
pub(crate) struct OutageReporter {
    /// Time of the first failure.
    since: Instant,
    /// Whether it was reported.
    reported: bool,
}

impl AttemptFailure {
    /// The failure as a sentence.
    pub(crate) fn sentence(&self, client: &ClassicClient) -> String {
        let ClassicClient { server, pool, .. } = client;
        match self {
            Self::Unavailable => format!(
                "{server} grants no slots of {pool:?} now: it is stopping, the queue is full or its store is unreachable"
            ),
            Self::NoAnswer(error) => error.to_string(),
        }
    }
}

impl OutageReporter {
    /// A series that begins now.
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), reported: false }
    }

    /// Reports a failure before a pause: once if the outage lasts, and each time with -v.
    pub(crate) fn report(&mut self, sentence: &str, pause: Duration, console: Console) {
        if !self.reported && self.since.elapsed() > REPORT_AFTER {
            self.reported = true;
            console.error(format_args!("{sentence}; retrying until it works"));
        } else {
            console.verbose(format_args!("{sentence}; retrying in {} s", DisplaySeconds(pause)));
        }
    }
}
