//! The command: started in a process group of its own, passed the signals, and followed until nothing of
//! that group is left.

use std::{io, time::Duration};

use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, set_child_subreaper,
        test_kill_process_group, wait,
    },
};
use tokio::time::timeout;

use super::{
    Ending, Options,
    signals::{Notice, Signals},
    slot::Slot,
    spawn::spawn,
    terminal::{self, Terminal},
    voice::Voice,
};

/// How soon, and at last how often, to look whether a group is still there.
const LOOK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A command that was started.
#[derive(Debug)]
pub(super) struct Job {
    /// Its process group, which is the number of its first process.
    group: Pid,
    /// The terminal, if we have one, until the command ended.
    terminal: Option<Terminal>,
    /// How its first process ended.
    ended: Option<Ending>,
    /// When to look next whether the group is still there.
    look: Duration,
}

impl Job {
    /// Starts the command.
    pub(super) fn start(options: &Options, slot: &Slot, signals: &mut Signals) -> io::Result<Self> {
        signals.watch_job()?;
        if options.wait_group {
            // Orphans of the group become our children: their end is told at once, not when we look.
            let _ = set_child_subreaper(Some(getpid()));
        }
        let terminal = Terminal::open();
        let mut command = options.task.command();
        command.envs(slot.variables());
        let child = spawn(command, terminal.as_ref().and_then(Terminal::for_child)).inspect_err(|_| {
            terminal.iter().for_each(Terminal::take_back); // the child may have had it
        })?;
        let group = Pid::from_child(&child);
        Ok(Self {
            group,
            terminal: terminal.map(|terminal| terminal.shared_with(group)),
            ended: None,
            look: LOOK.0,
        })
    }

    /// Stays with the command until it ended, and its group too if that is wanted.
    pub(super) async fn follow(mut self, signals: &mut Signals, wait_group: bool, voice: Voice) -> Ending {
        loop {
            self.reap(voice);
            match self.ended {
                Some(ending) if !wait_group || self.is_gone() => return ending,
                Some(_) | None => self.heed_next(signals).await,
            }
        }
    }

    /// Waits for a signal. What is left of a group can also leave it, which nobody tells: so it is looked for.
    async fn heed_next(&mut self, signals: &mut Signals) {
        if self.ended.is_none() {
            return self.heed(signals.next().await);
        }
        match timeout(self.look, signals.next()).await {
            Ok(notice) => self.heed(notice),
            Err(_) => self.look = (self.look * 2).min(LOOK.1),
        }
    }

    fn heed(&mut self, notice: Notice) {
        match notice {
            Notice::Child => {}
            Notice::Continued => self.resume(),
            Notice::Suspend if self.ended.is_some() => terminal::suspend(),
            Notice::Suspend => self.signal(Signal::TSTP),
            Notice::Forward(signal) => self.signal(signal),
        }
    }

    /// Takes note of every child that ended or stopped.
    fn reap(&mut self, voice: Voice) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            if pid != self.group {
                continue; // an orphan of the command
            }
            match Ending::of_child(status) {
                Some(ending) => self.note_end(ending, voice),
                None => self.note_stop(status),
            }
        }
    }

    fn note_end(&mut self, ending: Ending, voice: Voice) {
        self.ended = Some(ending);
        if let Some(terminal) = self.terminal.take() {
            terminal.take_back();
        }
        let left = if self.is_gone() { "" } else { "; processes of its group are still running" };
        voice.note(format_args!("the command ended with status {}{left}", ending.code()));
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
