//! How a command begins.

use std::{io, process::Command};

use rustix::process::{Pid, Signal, getpid, set_child_subreaper};
use tokio::time::Instant;

use super::{Job, LOOK};
use crate::wrapper::{limits::Limits, signals::Signals, spawn::spawn, terminal::Terminal, voice::Voice};

impl Job {
    /// Starts the command.
    pub(in crate::wrapper) fn start(
        command: Command,
        limits: Limits,
        signals: &mut Signals,
        voice: Voice,
    ) -> io::Result<Self> {
        signals.watch_job()?;
        // Orphans of the group become our children: their end is told at once, not when we look.
        if limits.wait_group {
            let _ = set_child_subreaper(Some(getpid()));
        }
        let terminal = Terminal::open();
        let child = spawn(command, terminal.as_ref().and_then(Terminal::for_child)).inspect_err(|_| {
            terminal.iter().for_each(Terminal::take_back); // the child may have had it
        })?;
        let group = Pid::from_child(&child);
        Ok(Self {
            group,
            terminal: terminal.map(|terminal| terminal.shared_with(group)),
            ended: None,
            look: LOOK.0,
            due: limits.max_run.map(|time| (Instant::now() + time, Signal::TERM)),
            limits,
            stopped: None,
            voice,
        })
    }
}
