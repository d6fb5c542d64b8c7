//! The command: started in a process group of its own, passed the signals, and followed until nothing of
//! that group is left. It ends by itself, or because its lease or its time is over.
//!
//! ```text
//!  start ─► follow: signals, news of the lease, --max-run, ends of children ─► finish: what the guard says
//! ```

mod start;
mod stopping;

pub(super) use self::start::NotStarted;

use std::{future, time::Duration};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process_group, wait},
};
use tokio::{
    select,
    time::{Instant, sleep},
};

use super::{
    WrapperOutcome,
    console::Console,
    guard::Guard,
    interrupt::Interrupt,
    interruption::at,
    limits::RunLimits,
    loss::{CommandOutcome, SlotLoss},
    signals::{Notice, Signals},
    terminal::{self, Terminal},
};
use distributex_client::{BootTime, LeaseStatus, sleep_until};

/// How soon, and at last how often, to look whether a group is still there.
const POLL_INTERVALS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A command that was started.
#[derive(Debug)]
pub(super) struct RunningCommand {
    /// Its process group, which is the number of its first process.
    group: Pid,
    /// The terminal, if we have one, until the command ended.
    terminal: Option<Terminal>,
    /// How its first process ended.
    ended: Option<WrapperOutcome>,
    /// The last signal that was passed on to it.
    passed_on: Option<Signal>,
    /// What the wrapper has to die of, as the command did.
    interrupt: Option<Interrupt>,
    /// When to look next whether the group is still there.
    look: Duration,
    /// What limits it.
    limits: RunLimits,
    /// Keeps the deadline of the lease, if there is one.
    guard: Option<Guard>,
    /// What the group is sent next by us, and when.
    due: Option<(Instant, Signal)>,
    /// Why we stopped it.
    stopped: Option<WrapperOutcome>,
    /// Whether it was sent KILL, for whatever reason.
    is_killing: bool,
    /// What became of a slot that was lost or revoked.
    loss: Option<SlotLoss>,
    /// Tells what is going on.
    console: Console,
}

/// What can happen to a job.
#[derive(Debug)]
enum CommandEvent {
    /// A signal came.
    Notice(Notice),
    /// There is news of the lease.
    News(LeaseStatus),
    /// It is time for the next signal of ours.
    Due(Signal),
    /// The deadline of the lease is there.
    Deadline,
    /// It is time to look what is left.
    Look,
}

impl RunningCommand {
    /// Stays with the command until it ended, and its group too if that is wanted.
    pub(super) async fn follow(mut self, signals: &mut Signals) -> CommandOutcome {
        loop {
            self.reap();
            match self.ended {
                Some(ending) if !self.limits.wait_group || self.is_gone() => {
                    return self.finish(ending, signals).await;
                }
                Some(_) | None => self.handle_next(signals).await,
            }
        }
    }

    /// Waits for what happens next. What is left of a group can also leave it, which nobody tells: so it is
    /// looked for.
    async fn handle_next(&mut self, signals: &mut Signals) {
        let look = async {
            match self.ended {
                Some(_) => sleep(self.look).await,
                None => future::pending().await,
            }
        };
        let (time, signal) = self.due.unzip();
        let deadline = self.limits.deadline.kill.filter(|_| !self.is_killing);
        let event = select! {
            biased;
            notice = signals.next() => CommandEvent::Notice(notice),
            standing = self.limits.next_status() => CommandEvent::News(standing),
            () = at(time) => CommandEvent::Due(signal.unwrap_or(Signal::KILL)),
            () = at_deadline(deadline) => CommandEvent::Deadline,
            () = look => CommandEvent::Look,
        };
        match event {
            CommandEvent::Notice(notice) => self.on_notice(notice),
            CommandEvent::News(standing) => self.on_lease_status(standing),
            CommandEvent::Due(Signal::TERM) => self.overrun(),
            CommandEvent::Due(signal) => self.stop(signal),
            CommandEvent::Deadline => self.deadline_passed(),
            CommandEvent::Look => self.look = (self.look * 2).min(POLL_INTERVALS.1),
        }
    }

    fn on_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Child => {}
            Notice::Continued => self.resume(),
            Notice::Suspend if self.ended.is_some() => terminal::suspend(),
            Notice::Suspend => self.signal(Signal::TSTP),
            Notice::Forward(signal) => {
                self.passed_on = Some(signal);
                self.signal(signal);
            }
        }
    }

    /// Takes note of every child that ended or stopped.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            match WrapperOutcome::of_child(status) {
                Some(ending) if pid == self.group => self.note_end(ending),
                None if pid == self.group => self.note_stop(status),
                // The guard, or an orphan of the command.
                Some(_) => self.guard.iter_mut().for_each(|guard| guard.note_end(pid, status, self.console)),
                None => {}
            }
        }
    }

    fn note_end(&mut self, ending: WrapperOutcome) {
        self.ended = Some(ending);
        if let Some(terminal) = self.terminal.take() {
            let is_passed_on =
                self.passed_on.is_some_and(|signal| ending == WrapperOutcome::Signalled(signal.as_raw()));
            self.interrupt = Interrupt::of_command(ending, &terminal, is_passed_on);
            terminal.take_back();
        }
        let left = if self.is_gone() { "" } else { "; processes of its group are still running" };
        self.console.verbose(format_args!("the command ended with status {}{left}", ending.code()));
    }

    /// The command stopped: the job stops with it, or the command gets the terminal it stopped for.
    fn note_stop(&mut self, status: WaitStatus) {
        let wants_terminal = [Signal::TTIN, Signal::TTOU]
            .iter()
            .any(|signal| status.stopping_signal() == Some(signal.as_raw()));
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        if !(wants_terminal && terminal.share_on_demand()) {
            terminal.take_back();
            terminal::suspend();
            if wants_terminal && !terminal.is_ours() {
                return; // in the background there is no terminal for it; Notice::Continued will tell
            }
        }
        self.resume();
    }

    fn resume(&self) {
        self.terminal.iter().for_each(Terminal::share);
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal); // it may just have ended
    }

    fn is_gone(&self) -> bool {
        test_kill_process_group(self.group) == Err(Errno::SRCH)
    }
}

/// Returns at this time; without one, never.
async fn at_deadline(time: Option<BootTime>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => future::pending().await,
    }
}
