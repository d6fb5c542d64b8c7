//! Stopping a command: its slot was lost or revoked, or its time is over. It is stopped first and reported second, as
//! writing the message may block.

use rustix::process::Signal;
use tokio::time::Instant;

use super::{POLL_INTERVALS, RunningCommand};
use crate::program::{console::DisplaySeconds, signals::Signals};
use crate::wrapper::{
    WrapperOutcome,
    guard::Guard,
    loss::{CommandOutcome, SlotLoss},
    options::OnLost,
};
use distributex_client::{BootTime, LeaseStatus};

impl RunningCommand {
    /// A renewal moves the deadline; a loss or revoke stops the command.
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
                return self.console.error(format_args!("{sentence}; the command continues"));
            }
            self.stop_for_loss();
            self.console.error(format_args!("{sentence}; stopping the command"));
        }
    }

    /// TERM now, KILL one grace later or at the deadline of the lease if that is earlier. If this wrapper is
    /// killed meanwhile, the guard continues.
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
                self.send_term();
            }
            self.guard.iter_mut().for_each(|guard| guard.took_over(deadline));
        } // else the guard has sent TERM, and KILL comes when it would have come
        self.stopped.get_or_insert(WrapperOutcome::Lost);
    }

    /// The deadline of the lease has passed. The guard acts too, unless the command was stopped.
    pub(super) fn deadline_passed(&mut self) {
        self.is_killing = true; // no second deadline, whether or not it still exists
        if self.still_runs() {
            self.stopped.get_or_insert(WrapperOutcome::Lost);
            self.stop(Signal::KILL);
        }
    }

    /// The command exceeded its time limit.
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

    /// Sends TERM to the group and schedules KILL; or sends KILL, until the group is gone.
    pub(super) fn stop(&mut self, signal: Signal) {
        let pause = if signal == Signal::TERM {
            self.send_term();
            self.limits.grace()
        } else {
            self.is_killing = true;
            self.signal(signal);
            POLL_INTERVALS.1
        };
        self.due = Some((Instant::now() + pause, Signal::KILL));
    }

    /// Sends TERM to the group.
    fn send_term(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT); // a stopped process does not act on TERM
    }

    /// Records the outcome. A command that ended before this was not stopped.
    fn still_runs(&mut self) -> bool {
        self.reap();
        self.ended.is_none() || !self.is_gone()
    }

    /// Dismisses the guard. If it may have acted, its report is read: a command it stopped did not end by itself.
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
