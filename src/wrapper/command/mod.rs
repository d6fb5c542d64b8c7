//! The command: runs in its own process group, receives forwarded signals, and is followed until its group is
//! gone. It ends by itself, or because its lease or its time is over.
//!
//! ```text
//!  start ─► follow: signals, status of the lease, --max-run, ends of children ─► finish: report of the guard
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
    guard::Guard,
    interrupt::Interrupt,
    limits::RunLimits,
    loss::{CommandOutcome, SlotLoss},
    terminal::{self, Terminal},
};
use crate::program::{
    console::Console,
    interruption::at,
    signals::{Notice, Signals},
};
use distributex_client::{BootTime, LeaseStatus, sleep_until};

/// First and maximum interval of checks whether the group still exists.
const POLL_INTERVALS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A running command.
#[derive(Debug)]
pub(super) struct RunningCommand {
    /// Its process group; the id of its first process.
    group: Pid,
    /// The terminal, if there is one, until the command has ended.
    terminal: Option<Terminal>,
    /// The end of its first process.
    ended: Option<WrapperOutcome>,
    /// The last signal that was forwarded to it.
    passed_on: Option<Signal>,
    /// The signal this program dies of, like the command.
    interrupt: Option<Interrupt>,
    /// Time of the next check whether the group still exists.
    look: Duration,
    /// Its limits.
    limits: RunLimits,
    /// The guard of its deadline, if there is one.
    guard: Option<Guard>,
    /// The next signal to send to the group, with its time.
    due: Option<(Instant, Signal)>,
    /// Why it was stopped.
    stopped: Option<WrapperOutcome>,
    /// Whether it was sent KILL, for whatever reason.
    is_killing: bool,
    /// How its slot was lost or revoked.
    loss: Option<SlotLoss>,
    /// Standard error.
    console: Console,
}

/// Event in the life of a command.
#[derive(Debug)]
enum CommandEvent {
    /// A signal arrived.
    Notice(Notice),
    /// The status of the lease changed.
    News(LeaseStatus),
    /// The next signal of our own is due.
    Due(Signal),
    /// The deadline of the lease has passed.
    Deadline,
    /// A check whether the group still exists is due.
    Look,
}

impl RunningCommand {
    /// Follows the command until it has ended, and its group too if that is wanted.
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

    /// Waits for the next event and handles it. Processes can also leave the group, which causes no signal:
    /// so the group is polled.
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

    /// Handles every child that ended or stopped.
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
                return; // in the background there is no terminal for it; Notice::Continued follows
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

/// Waits until this time; forever without one.
async fn at_deadline(time: Option<BootTime>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => future::pending().await,
    }
}
