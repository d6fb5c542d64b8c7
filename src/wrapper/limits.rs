//! What limits a command: the time it was given.

use std::time::Duration;

use super::{Options, deadline::Grace};

/// The limits of one run.
#[derive(Debug)]
pub(super) struct Limits {
    /// The time between TERM and KILL.
    grace: Grace,
    /// How long the command may run.
    pub(super) max_run: Option<Duration>,
    /// Whether what the command leaves running still counts as the command.
    pub(super) wait_group: bool,
}

impl Limits {
    /// What the options say.
    pub(super) fn new(options: &Options) -> Self {
        let Options { grace, max_run, wait_group, .. } = *options;
        Self { grace, max_run, wait_group }
    }

    /// The time between TERM and KILL.
    pub(super) fn grace(&self) -> Duration {
        self.grace.within(None)
    }
}
