//! The guard: a small process that stops the command if the wrapper cannot.
//!
//! A wrapper can be killed, stopped, or suspended with the machine; its command must be dead all the same
//! before the server grants the slot to another requester. So a second process watches the deadline. It holds
//! no lease, and receives messages through a pipe:
//!
//! ```text
//!  wrapper ─┬ each new deadline ──────────────┐
//!  (child) ─┴ its group, before the exec ─────┴─► pipe ─► guard ─┬ deadline, or end of the pipe ─► TERM, KILL
//!                                                                └ «done» ─────────────────────► nothing
//! ```
//! Its exit status reports what it did. If it is killed, a new one is started.

mod members;
mod messages;
mod plan;
mod process;

pub(super) use self::messages::{GuardRecord, SIZE};
pub(super) use self::process::run_if_guard;

use std::{
    fs::File,
    io::{self, PipeWriter},
    mem,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use rustix::{
    io::{Errno, ioctl_fionbio, write},
    process::{Pid, Signal, WaitStatus, kill_process},
};

use super::{deadline::Deadline, local_lock::LocalLock};
use crate::program::{console::Console, exit_status};

/// Start of the guard's process name, followed by the pool's name; it marks a process as a guard. It does not
/// contain the program's name: `pkill -f` with that spares guards.
const NAME_PREFIX: &str = "dx-guard of ";
/// This program's executable, even if its file was replaced.
const PROGRAM: &str = "/proc/self/exe";
/// Maximum number of replacements of a killed guard. More are killed only on purpose.
const MAX_RESPAWNS: u32 = 100;

/// The wrapper's handle of its guard.
#[derive(Debug)]
pub(super) struct Guard {
    /// The pool, for its process name.
    pool: String,
    /// The file of the local lock, if there is one.
    lock: Option<File>,
    /// The process of the guard, until it has ended.
    process: Option<GuardProcess>,
    /// The deadline it was sent last.
    deadline: Deadline,
    /// Whether the wrapper sent TERM to the group, so that the guard does not.
    is_asked: bool,
    /// The group it guards, once the command was started.
    group: Option<Pid>,
    /// Number of replacements left.
    spares: u32,
    /// Whether it may have acted: the first moment to do so of a deadline it was sent has passed.
    may_have_acted: bool,
    /// Whether it reported that it stopped the command.
    has_stopped: bool,
    /// Whether it was told that nothing is left to guard.
    is_dismissed: bool,
}

/// A process that is a guard.
#[derive(Debug)]
struct GuardProcess {
    /// Its process id.
    pid: Pid,
    /// Its pipe. When the last writer is closed, the guard knows that the wrapper is gone.
    pipe: PipeWriter,
}

impl Guard {
    /// Starts the guard of a command that is not started yet. It keeps the local lock until its end.
    pub(super) fn start(pool: &str, deadline: Deadline, lock: Option<&LocalLock>) -> io::Result<Self> {
        let lock = lock.map(LocalLock::share).transpose()?;
        Ok(Self {
            pool: pool.to_owned(),
            process: Some(GuardProcess::start(pool, lock.as_ref(), &[GuardRecord::Deadline(deadline)])?),
            lock,
            deadline,
            is_asked: false,
            group: None,
            spares: MAX_RESPAWNS,
            may_have_acted: false,
            has_stopped: false,
            is_dismissed: false,
        })
    }

    /// The pipe through which the child reports its group.
    pub(super) fn pipe(&self) -> io::Result<PipeWriter> {
        self.process.as_ref().map_or_else(|| Err(Errno::PIPE.into()), |process| process.pipe.try_clone())
    }

    /// The group was reported to it.
    pub(super) fn guards(&mut self, group: Pid) {
        self.group = Some(group);
    }

    /// Sends a new deadline.
    pub(super) fn set(&mut self, deadline: Deadline) {
        let old = mem::replace(&mut self.deadline, deadline);
        self.send(self.known());
        self.may_have_acted |= old.is_due(); // after sending: it may have checked the time before it received this
    }

    /// Reports that the wrapper sent TERM to the group, and when the group gets KILL.
    pub(super) fn took_over(&mut self, deadline: Deadline) {
        self.is_asked = true;
        self.set(deadline);
    }

    /// The message with the current deadline.
    fn known(&self) -> GuardRecord {
        if self.is_asked { GuardRecord::Asked(self.deadline) } else { GuardRecord::Deadline(self.deadline) }
    }

    /// Reports that nothing is left to guard.
    pub(super) fn dismiss(&mut self) {
        self.is_dismissed = true;
        let was_heard = self.send(GuardRecord::Done);
        self.may_have_acted |= self.deadline.is_due();
        if let Some(process) = &self.process {
            // A stopped one, which does not read, must not act on old messages later.
            let signal = if was_heard { Signal::CONT } else { Signal::KILL };
            let _ = kill_process(process.pid, signal);
        }
    }

    /// Whether its report at its end matters.
    pub(super) fn verdict_pending(&self) -> bool {
        self.process.is_some() && self.may_have_acted
    }

    /// Whether it reported that it stopped the command.
    pub(super) fn has_stopped(&self) -> bool {
        self.has_stopped
    }

    /// Handles the end of a child. If that was the guard, and too early, a new one is started.
    pub(super) fn note_end(&mut self, pid: Pid, status: WaitStatus, console: Console) {
        if self.process.as_ref().is_none_or(|process| process.pid != pid) {
            return;
        }
        self.process = None;
        match status.exit_status() {
            Some(0) => {}
            Some(status) if status == i32::from(exit_status::LOST) => self.has_stopped = true,
            Some(_) | None if self.is_dismissed => {}
            Some(_) | None => self.replace(console),
        }
    }

    fn replace(&mut self, console: Console) {
        let started = match self.spares.checked_sub(1) {
            Some(spares) => {
                self.spares = spares;
                let group = self.group.map(GuardRecord::Group);
                let known: Vec<_> = [self.known()].into_iter().chain(group).collect();
                GuardProcess::start(&self.pool, self.lock.as_ref(), &known)
            }
            None => Err(io::Error::other("too many of them were killed")),
        };
        match started {
            Ok(process) => self.process = Some(process),
            Err(error) => console.error(format_args!(
                "the command is no longer guarded: {error}; it continues if this wrapper is killed or stopped"
            )),
        }
    }

    /// False if it does not read: it has ended, which will be noticed, or it is stopped.
    fn send(&self, record: GuardRecord) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(|process| write(&process.pipe, &record.to_bytes()) == Ok(SIZE))
    }
}

impl GuardProcess {
    /// Starts this program's executable as a guard. Does not block: the pipe buffers messages. The messages
    /// are written before the process is started, so it has them even if this process is killed in the next
    /// moment.
    fn start(pool: &str, lock: Option<&File>, known: &[GuardRecord]) -> io::Result<Self> {
        let (reader, pipe) = io::pipe()?;
        ioctl_fionbio(&pipe, true)?; // a stopped guard must not block this process
        for record in known {
            write(&pipe, &record.to_bytes())?;
        }
        let lock = lock.map(File::try_clone).transpose()?;
        let stdout = lock.map_or_else(Stdio::null, Stdio::from); // one of the three descriptors that it does not close
        let child = Command::new(PROGRAM)
            .arg0(format!("{NAME_PREFIX}{pool}"))
            .env_clear() // the environment may contain secrets
            .current_dir("/") // it keeps no file system from being unmounted
            .process_group(0) // signals for the job are not meant for it
            .stdin(reader)
            .stdout(stdout) // it writes nothing, and must not delay readers of the command's output
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{PROGRAM}: {error}")))?;
        Ok(Self { pid: Pid::from_child(&child), pipe })
    }
}
