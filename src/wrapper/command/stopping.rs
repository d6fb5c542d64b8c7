//! How a command ends that does not end by itself: because its lease is lost, or its time is over.

use rustix::process::Signal;
use tokio::time::Instant;

use super::{Job, LOOK};
use crate::{
    client::Standing,
    wrapper::{Ending, guard::Guard, options::OnLost, signals::Signals, voice::Seconds},
};

impl Job {
    /// The guard learns how the lease stands. One that is lost is the command's end.
    pub(super) fn heed_news(&mut self, standing: Standing) {
        let deadline = self.limits.deadline_of(&standing);
        self.guard.iter_mut().for_each(|guard| guard.set(deadline));
        let Standing::Lost { why } = standing else {
            return;
        };
        if self.limits.on_lost == OnLost::Warn {
            let pool = &self.limits.pool;
            return self.voice.say(format_args!("lost the slot of {pool:?}: {why}; the command goes on"));
        }
        self.lost = Some(why);
        if self.still_runs() {
            self.stopped.get_or_insert(Ending::Lost);
            self.stop(Signal::KILL);
        }
    }

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

    /// Lets the guard go. If it may have acted, it is asked: what it stopped did not end by itself.
    pub(super) async fn finish(mut self, ending: Ending, signals: &mut Signals) -> Ending {
        self.guard.iter_mut().for_each(Guard::dismiss);
        while self.guard.as_ref().is_some_and(Guard::has_a_last_word) {
            signals.next().await;
            self.reap();
        }
        if self.stopped.is_none() && self.guard.as_ref().is_some_and(Guard::has_stopped) {
            self.stopped = Some(Ending::Lost);
        }
        if self.stopped == Some(Ending::Lost) {
            let why = self.lost.as_deref().unwrap_or("it could not be renewed in time");
            let pool = &self.limits.pool;
            self.voice.say(format_args!("lost the slot of {pool:?}: {why}; stopped the command"));
        }
        self.stopped.unwrap_or(ending)
    }
}
