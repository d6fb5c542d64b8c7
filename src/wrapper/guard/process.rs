//! The process of the guard: it sleeps until a message arrives or a moment has come.
//!
//! It is small, as there is one per command: no runtime, no threads, no options. It has its own process group
//! and blocks every signal, so that signals for the job neither stop nor end it.

use std::{
    env,
    ffi::{CStr, OsString},
    fs, io,
    process::ExitCode,
};

use nix::{sys::signal::SigSet, unistd};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    io::{Errno, read},
    process::{Pid, Signal, kill_process_group},
    thread::set_name,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime},
};

use super::{
    NAME_PREFIX,
    members::{is_alive, is_gone},
    messages::{GuardRecord, SIZE},
    plan::{GuardAction, GuardPlan, NextAction},
};
use crate::program::exit_status;
use distributex_client::BootTime;

/// Its name where only the program's name is shown.
const SHORT_NAME: &CStr = c"dx-guard";
/// First descriptor that is closed: only three are its own.
const LAST_STREAM: i32 = 2;

/// Runs the guard if this process was started as one, which its name tells. Must be called before anything else is set
/// up.
#[must_use]
pub(in crate::wrapper) fn run_if_guard() -> Option<ExitCode> {
    let name: OsString = env::args_os().next()?;
    name.as_encoded_bytes().starts_with(NAME_PREFIX.as_bytes()).then(|| {
        let _ = SigSet::all().thread_block();
        let _ = set_name(SHORT_NAME);
        close_inherited();
        match Inbox::new() {
            Ok(inbox) => run(&inbox),
            Err(_) => ExitCode::FAILURE,
        }
    })
}

/// Follows the plan to its end. The time is read before the messages: a deadline that is sent after its old
/// TERM has passed may be too late, one that was sent before never is.
fn run(inbox: &Inbox) -> ExitCode {
    let mut plan = GuardPlan::new();
    let mut is_open = true;
    loop {
        let now = BootTime::now();
        let NextAction { at, act } = plan.step(now);
        match inbox.next(at, is_open) {
            Some(GuardInput::Record(record)) => plan.on_record(record),
            Some(GuardInput::Silence) => {
                is_open = false;
                plan.on_wrapper_gone(BootTime::now()); // the wait may have been long
            }
            None if act == GuardAction::End || execute(&mut plan, act) => {
                return if plan.has_stopped { exit_status::LOST.into() } else { ExitCode::SUCCESS };
            }
            None => {}
        }
    }
}

/// Performs a step, and returns whether the guard is finished.
fn execute(plan: &mut GuardPlan, act: GuardAction) -> bool {
    match act {
        GuardAction::Wait => false,
        GuardAction::End => true,
        GuardAction::Look(group) | GuardAction::Term(group) | GuardAction::Kill(group) if is_gone(group) => {
            true
        }
        GuardAction::Look(_) => false,
        GuardAction::Term(group) => {
            let lived = is_alive(group);
            let was_sent = send(group, Signal::TERM);
            let _ = send(group, Signal::CONT); // a stopped process does not act on TERM
            plan.term_sent(lived && was_sent);
            false
        }
        GuardAction::Kill(group) => {
            let lived = is_alive(group);
            let was_sent = send(group, Signal::KILL);
            plan.killed(lived && was_sent);
            was_sent && !is_alive(group) // no process can fork past a KILL for the whole group
        }
    }
}

/// False if no process of the group may be sent signals.
fn send(group: Pid, signal: Signal) -> bool {
    kill_process_group(group, signal).is_ok()
}

/// The wrapper may have inherited descriptors for the command: the end of a pipe, a lock. Their other sides
/// must not wait for a guard.
fn close_inherited() {
    let Ok(list) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers = list.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number > LAST_STREAM).collect::<Vec<_>>() {
        let _ = unistd::close(number); // one of them was that of the directory
    }
}

/// Input from the pipe.
#[derive(Debug)]
enum GuardInput {
    /// A message.
    Record(GuardRecord),
    /// Its end: no writer is left.
    Silence,
}

/// The pipe from the wrapper, and the timer for the time without messages.
#[derive(Debug)]
struct Inbox {
    /// Continues while the machine is suspended; the time limit of `poll` does not.
    timer: OwnedFd,
}

impl Inbox {
    fn new() -> io::Result<Self> {
        Ok(Self { timer: timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)? })
    }

    /// The next input; `None` if the moment comes first. Input that has already arrived takes precedence.
    fn next(&self, at: Option<BootTime>, is_open: bool) -> Option<GuardInput> {
        self.set_timer(at);
        let pipe = io::stdin();
        let mut both = [PollFd::new(&self.timer, PollFlags::IN), PollFd::new(&pipe, PollFlags::IN)];
        let watched = if is_open { both.as_mut_slice() } else { &mut both[..1] };
        let _ = poll(watched, None); // an error counts as no input: the time is checked in any case
        if both[1].revents().is_empty() {
            return None;
        }
        let mut bytes = [0; SIZE];
        match read(&pipe, &mut bytes) {
            Ok(SIZE) => GuardRecord::from_bytes(&bytes).map(GuardInput::Record),
            Err(Errno::INTR | Errno::AGAIN) => None,
            Ok(_) | Err(_) => Some(GuardInput::Silence),
        }
    }

    /// A moment in the past counts as come.
    fn set_timer(&self, at: Option<BootTime>) {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let at = at.and_then(|at| Timespec::try_from(at.as_duration()).ok()).unwrap_or(none); // zero would disarm the timer
        let time = Itimerspec { it_interval: none, it_value: at };
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &time);
    }
}
