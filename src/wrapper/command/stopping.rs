//! How a command ends that does not end by itself: because its time is over.

use rustix::process::Signal;
use tokio::time::Instant;

use super::{Job, LOOK};
use crate::wrapper::{Ending, voice::Seconds};

impl Job {
    /// The command took too long.
    pub(super) fn overrun(&mut self) {
        self.due = None;
        if self.still_runs() {
            self.stopped.get_or_insert(Ending::Overrun);
            let limit = Seconds(self.limits.max_run.unwrap_or_default());
            self.voice.say(format_args!("the command ran longer than {limit} s (--max-run); stopping it"));
            self.stop(Signal::TERM);
        }
    }

    /// Sends the group TERM, after which comes KILL; or KILL, until nothing is left.
    pub(super) fn stop(&mut self, signal: Signal) {
        self.signal(signal);
        let pause = if signal == Signal::TERM {
            self.signal(Signal::CONT); // a process that is stopped does not act on TERM
            self.limits.grace()
        } else {
            LOOK.1
        };
        self.due = Some((Instant::now() + pause, Signal::KILL));
    }

    /// As of now: who ended before this was not stopped.
    fn still_runs(&mut self) -> bool {
        self.reap();
        self.ended.is_none() || !self.is_gone()
    }
}
