//! The guard: a small process that stops the command when nobody else does.
//!
//! A wrapper can be killed, be stopped, or sleep with the machine; its command must be dead all the same
//! before the server gives the slot to somebody else. So a second process keeps the deadline. It holds no
//! lease, and knows what it is told through a pipe:
//!
//! ```text
//!  wrapper ─┬ each new deadline ──────────────┐
//!  (child) ─┴ its group, before it is a command ┴─► pipe ─► guard ─┬ deadline, or the pipe's end ─► TERM, KILL
//!                                                                  └ «done» ─────────────────────► nothing
//! ```
//! Its exit status tells the wrapper what it did. If it is killed there is a new one.

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

use super::{console::Console, deadline::Deadline, local_lock::LocalLock};

/// How the guard's name begins in the list of processes, behind which comes the pool's. It makes a guard of
/// this program. It does not have the program's name in it: `pkill -f` with that leaves guards to do their work.
const NAME_PREFIX: &str = "dx-guard of ";
/// The exit status that tells that it stopped the command. Zero: it did nothing.
const STATUS_LEASE_LOST: u8 = 79;
/// This program as it runs now, also if its file was replaced since.
const PROGRAM: &str = "/proc/self/exe";
/// So often a guard that was killed is replaced. Whoever kills more of them does it on purpose.
const MAX_RESPAWNS: u32 = 100;

/// What the wrapper has of its guard.
#[derive(Debug)]
pub(super) struct Guard {
    /// For its name.
    pool: String,
    /// The file of the local lock, if there is one.
    lock: Option<File>,
    /// The process that is guard now, until it ended.
    process: Option<GuardProcess>,
    /// The deadline it was told last.
    deadline: Deadline,
    /// Whether the wrapper sent the group TERM, so that the guard does not.
    is_asked: bool,
    /// What it guards, when the command was started.
    group: Option<Pid>,
    /// How many can still be started.
    spares: u32,
    /// Whether it may have acted: the first moment to do so of a deadline it was told is past.
    may_have_acted: bool,
    /// Whether it said that it stopped the command.
    has_stopped: bool,
    /// Whether it was told that nothing is left to guard.
    is_dismissed: bool,
}

/// A process that is guard.
#[derive(Debug)]
struct GuardProcess {
    /// Its number.
    pid: Pid,
    /// Where it listens. When the last of these is closed it knows that the wrapper is gone.
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

    /// The way to tell it of the command, for the command's process itself.
    pub(super) fn pipe(&self) -> io::Result<PipeWriter> {
        self.process.as_ref().map_or_else(|| Err(Errno::PIPE.into()), |process| process.pipe.try_clone())
    }

    /// It was told of this group.
    pub(super) fn guards(&mut self, group: Pid) {
        self.group = Some(group);
    }

    /// Tells it a new deadline.
    pub(super) fn set(&mut self, deadline: Deadline) {
        let old = mem::replace(&mut self.deadline, deadline);
        self.send(self.known());
        self.may_have_acted |= old.is_due(); // after telling: it may have looked before it heard
    }

    /// Tells it that the wrapper sent the group TERM, and when the group gets KILL.
    pub(super) fn took_over(&mut self, deadline: Deadline) {
        self.is_asked = true;
        self.set(deadline);
    }

    /// What it is told of the deadline.
    fn known(&self) -> GuardRecord {
        if self.is_asked { GuardRecord::Asked(self.deadline) } else { GuardRecord::Deadline(self.deadline) }
    }

    /// Tells it that nothing is left to guard.
    pub(super) fn dismiss(&mut self) {
        self.is_dismissed = true;
        let was_heard = self.send(GuardRecord::Done);
        self.may_have_acted |= self.deadline.is_due();
        if let Some(process) = &self.process {
            // One that was stopped, and does not read, shall not come back later with old orders.
            let signal = if was_heard { Signal::CONT } else { Signal::KILL };
            let _ = kill_process(process.pid, signal);
        }
    }

    /// Whether it is worth waiting for what it says at its end.
    pub(super) fn verdict_pending(&self) -> bool {
        self.process.is_some() && self.may_have_acted
    }

    /// Whether it said that it stopped the command.
    pub(super) fn has_stopped(&self) -> bool {
        self.has_stopped
    }

    /// Takes note of a child's end. If that was the guard, and too early, there is a new one.
    pub(super) fn note_end(&mut self, pid: Pid, status: WaitStatus, console: Console) {
        if self.process.as_ref().is_none_or(|process| process.pid != pid) {
            return;
        }
        self.process = None;
        match status.exit_status() {
            Some(0) => {}
            Some(status) if status == i32::from(STATUS_LEASE_LOST) => self.has_stopped = true,
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
                "the command is no longer guarded: {error}; if this wrapper is killed or stopped, it goes on"
            )),
        }
    }

    /// False if it does not listen: it ended, of which we shall hear, or it is stopped.
    fn send(&self, record: GuardRecord) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(|process| write(&process.pipe, &record.to_bytes()) == Ok(SIZE))
    }
}

impl GuardProcess {
    /// Starts this program, as it is now, as a guard. It waits for nothing: the pipe keeps what is said. What is
    /// known is said before there is a guard: it knows all of it even if we are killed in the next moment.
    fn start(pool: &str, lock: Option<&File>, known: &[GuardRecord]) -> io::Result<Self> {
        let (reader, pipe) = io::pipe()?;
        ioctl_fionbio(&pipe, true)?; // a guard that is stopped does not stop us
        for record in known {
            write(&pipe, &record.to_bytes())?;
        }
        let lock = lock.map(File::try_clone).transpose()?;
        let stdout = lock.map_or_else(Stdio::null, Stdio::from); // one of the three that it does not close
        let child = Command::new(PROGRAM)
            .arg0(format!("{NAME_PREFIX}{pool}"))
            .env_clear() // there may be secrets in it
            .current_dir("/") // it keeps no file system from being unmounted
            .process_group(0) // what is meant for the job is not meant for it
            .stdin(reader)
            .stdout(stdout) // nobody waits for the end of what it writes, and it writes nothing
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{PROGRAM}: {error}")))?;
        Ok(Self { pid: Pid::from_child(&child), pipe })
    }
}
