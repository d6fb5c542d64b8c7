//! What keeps a waiter from its line, and for how long it has done so.

use std::time::Duration;

use tokio::time::Instant;

use super::voice::{Seconds, Voice};
use crate::client::{AskError, Classic};

/// A trouble is told after so long; a server that is only restarted is no news.
const WORTH_TELLING: Duration = Duration::from_secs(20);

/// Why there was no answer, or none that helps.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server gives out no slots for the moment.
    Unavailable,
    /// There is no server, or none that can be understood.
    NoAnswer(AskError),
}

/// A row of failed attempts.
#[derive(Debug)]
pub(crate) struct Outage {
    /// When the first one failed.
    since: Instant,
    /// Whether somebody was told.
    told: bool,
}

impl Trouble {
    /// What a person should know of it.
    pub(crate) fn sentence(&self, asker: &Classic) -> String {
        let Classic { server, pool, .. } = asker;
        match self {
            Self::Unavailable => format!(
                "{server} gives out no slots of {pool:?} now: it is stopping, its line is full or its store is away"
            ),
            Self::NoAnswer(error) => error.to_string(),
        }
    }
}

impl Outage {
    /// It begins now.
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), told: false }
    }

    /// Tells of a failure, after which comes a pause: once to everybody if it lasts, else to who wants it.
    pub(crate) fn tell(&mut self, sentence: &str, pause: Duration, voice: Voice) {
        if !self.told && self.since.elapsed() > WORTH_TELLING {
            self.told = true;
            voice.say(format_args!("{sentence}; trying again until it works"));
        } else {
            voice.note(format_args!("{sentence}; trying again in {} s", Seconds(pause)));
        }
    }
}
