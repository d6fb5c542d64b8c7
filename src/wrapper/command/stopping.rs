//! How a command ends that does not end by itself: because its slot is lost or wanted back, or its time is over.
//! First it is stopped, then that is said: nobody may be there to listen.

use rustix::process::Signal;
use tokio::time::Instant;

use super::{POLL_INTERVALS, RunningCommand};
use crate::wrapper::{
    WrapperOutcome,
    console::DisplaySeconds,
    guard::Guard,
    loss::{CommandOutcome, SlotLoss},
    options::OnLost,
    signals::Signals,
};
use distributex_client::{BootTime, LeaseStatus};

impl RunningCommand {
    /// A renewed lease moves the deadline. One that is lost or revoked is the command's end.
    pub(super) fn on_lease_status(&mut self, standing: LeaseStatus) {
        if let LeaseStatus::Held { ttl, renewed_at: good, revoked: None } = standing {
            self.limits.prolong(ttl, good);
            self.guard.iter_mut().for_each(|guard| guard.set(self.limits.deadline));
        } else if let Some(loss) = SlotLoss::of(standing)
            && loss.is_news_after(self.loss.as_ref())
            && self.still_runs()
        {
            let sentence = loss.sentence(&self.limits.pool);
            self.loss = Some(loss);
            if self.limits.on_lost == OnLost::Warn {
                return self.console.error(format_args!("{sentence}; the command goes on"));
            }
            self.stop_for_loss();
            self.console.error(format_args!("{sentence}; stopping the command"));
        }
    }

    /// TERM now, KILL one grace later or at the deadline of the lease if that comes first. If this wrapper is
    /// killed meanwhile, the guard goes on.
    fn stop_for_loss(&mut self) {
        let known = self.limits.deadline;
        let deadline = known.stopped_at(BootTime::now());
        self.limits.deadline = deadline;
        if known.grace.is_zero() {
            self.stop(Signal::KILL);
            self.guard.iter_mut().for_each(|guard| guard.set(deadline));
        } else if !known.is_due() {
            if self.stopped.is_none() {
                self.due = None;
                self.ask();
            }
            self.guard.iter_mut().for_each(|guard| guard.took_over(deadline));
        } // else the guard has sent TERM, and KILL comes when it would have come
        self.stopped.get_or_insert(WrapperOutcome::Lost);
    }

    /// The deadline of the lease is there. The guard acts, too, if nobody stopped it.
    pub(super) fn deadline_passed(&mut self) {
        self.is_killing = true; // if it is still there, and if it is not: no second alarm
        if self.still_runs() {
            self.stopped.get_or_insert(WrapperOutcome::Lost);
            self.stop(Signal::KILL);
        }
    }

    /// The command took too long.
    pub(super) fn overrun(&mut self) {
        self.due = None;
        if self.still_runs() {
            self.stopped.get_or_insert(WrapperOutcome::Overrun);
            self.stop(Signal::TERM);
            let limit = DisplaySeconds(self.limits.max_run.unwrap_or_default());
            self.console
                .error(format_args!("the command ran longer than {limit} s (--max-run); stopping it"));
        }
    }

    /// Sends the group TERM, after which comes KILL; or KILL, until nothing is left.
    pub(super) fn stop(&mut self, signal: Signal) {
        let pause = if signal == Signal::TERM {
            self.ask();
            self.limits.grace()
        } else {
            self.is_killing = true;
            self.signal(signal);
            POLL_INTERVALS.1
        };
        self.due = Some((Instant::now() + pause, Signal::KILL));
    }

    /// Asks the group to end.
    fn ask(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT); // a process that is stopped does not act on TERM
    }

    /// As of now: who ended before this was not stopped.
    fn still_runs(&mut self) -> bool {
        self.reap();
        self.ended.is_none() || !self.is_gone()
    }

    /// Lets the guard go. If it may have acted, it is asked: what it stopped did not end by itself.
    pub(super) async fn finish(mut self, ending: WrapperOutcome, signals: &mut Signals) -> CommandOutcome {
        self.guard.iter_mut().for_each(Guard::dismiss);
        while self.guard.as_ref().is_some_and(Guard::verdict_pending) {
            signals.next().await;
            self.reap();
        }
        if self.stopped.is_none() && self.guard.as_ref().is_some_and(Guard::has_stopped) {
            self.stopped = Some(WrapperOutcome::Lost);
        }
        if self.stopped == Some(WrapperOutcome::Lost) && self.loss.is_none() {
            let loss = SlotLoss::not_renewed();
            let sentence = loss.sentence(&self.limits.pool);
            self.console.error(format_args!("{sentence}; stopped the command"));
            self.loss = Some(loss);
        }
        let interrupt = self.interrupt.filter(|_| self.stopped.is_none());
        CommandOutcome { ending: self.stopped.unwrap_or(ending), loss: self.loss, interrupt }
    }
}
