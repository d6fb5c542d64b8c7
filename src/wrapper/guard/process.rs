//! The guard itself: a process that sleeps until something is told or a moment has come.
//!
//! It is small, as there is one for every command: no runtime, no threads, no options. It has a process group
//! of its own and blocks every signal, so that nothing that is meant for the job stops or ends it.

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
    NAME_PREFIX, STATUS_LEASE_LOST,
    members::{is_alive, is_gone},
    messages::{GuardRecord, SIZE},
    plan::{GuardAction, GuardPlan, NextAction},
};
use distributex_client::BootTime;

/// What the processes list calls it where only the program's name is shown.
const SHORT_NAME: &CStr = c"dx-guard";
/// More descriptors than these three are not ours.
const LAST_STREAM: i32 = 2;

/// Does a guard's work if this process was started as one: its name says so. Must be asked before anything
/// else is set up.
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

/// Follows the plan to its end. The time is read before the inbox: a deadline that is told after its old TERM
/// was past may come too late, one that was told before that never does.
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
                return if plan.has_stopped { STATUS_LEASE_LOST.into() } else { ExitCode::SUCCESS };
            }
            None => {}
        }
    }
}

/// Does what is to be done, and tells whether nothing is left to do.
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
            let _ = send(group, Signal::CONT); // a process that is stopped does not act on TERM
            plan.term_sent(lived && was_sent);
            false
        }
        GuardAction::Kill(group) => {
            let lived = is_alive(group);
            let was_sent = send(group, Signal::KILL);
            plan.killed(lived && was_sent);
            was_sent && !is_alive(group) // nobody can fork past a KILL for the whole group
        }
    }
}

/// False if none of the group may be sent signals by us.
fn send(group: Pid, signal: Signal) -> bool {
    kill_process_group(group, signal).is_ok()
}

/// Whoever started the wrapper may have left descriptors open for the command: the end of a pipe, a lock.
/// Their other sides shall not wait for a guard.
fn close_inherited() {
    let Ok(list) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers = list.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number > LAST_STREAM).collect::<Vec<_>>() {
        let _ = unistd::close(number); // one of them was the list's
    }
}

/// What came from the wrapper.
#[derive(Debug)]
enum GuardInput {
    /// It said something.
    Record(GuardRecord),
    /// It is gone, with everybody else who could say something.
    Silence,
}

/// The pipe from the wrapper, and the clock to look at while nothing comes.
#[derive(Debug)]
struct Inbox {
    /// Runs on while the machine sleeps; the time limit of `poll` does not.
    timer: OwnedFd,
}

impl Inbox {
    fn new() -> io::Result<Self> {
        Ok(Self { timer: timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)? })
    }

    /// What comes next; nothing if that moment comes first. What has come already always is first.
    fn next(&self, at: Option<BootTime>, is_open: bool) -> Option<GuardInput> {
        self.set_timer(at);
        let pipe = io::stdin();
        let mut both = [PollFd::new(&self.timer, PollFlags::IN), PollFd::new(&pipe, PollFlags::IN)];
        let watched = if is_open { both.as_mut_slice() } else { &mut both[..1] };
        let _ = poll(watched, None); // an error is as no news: the time is looked at in any case
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

    /// A moment that is past counts as come.
    fn set_timer(&self, at: Option<BootTime>) {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let at = at.and_then(|at| Timespec::try_from(at.as_duration()).ok()).unwrap_or(none); // zero is never
        let time = Itimerspec { it_interval: none, it_value: at };
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &time);
    }
}
