//! The wrapper: runs a command only while this host holds a slot.
//!
//! ```text
//!  local lock ─► slot ─► guard ─► command ─► rest of its group ─► slot given back ─► exit status
//! ```
//! Every way out passes the end of this line from where it left.

mod acquire;
mod classic;
mod command;
mod deadline;
mod ending;
mod environment;
mod guard;
mod help;
mod interrupt;
mod limits;
mod local_lock;
mod loss;
mod options;
mod release;
mod report;
mod slot;
mod spawn;
mod task;
mod terminal;

pub(crate) use self::options::command_line;
pub use self::{
    deadline::Grace,
    ending::Ending,
    options::{OnLost, Options},
    task::Task,
};

use std::{io, process::ExitCode};

use tokio::time::Instant;

use self::{
    acquire::Asking,
    command::{Job, NotStarted},
    interrupt::Interrupt,
    limits::Limits,
    local_lock::LocalLock,
    loss::{Loss, Outcome},
    report::Report,
    signals::Signals,
    slot::Slot,
    voice::Voice,
};
use crate::program::{host, place, signals, start, stderr, stop, trouble, voice};

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(status) = guard::serve_if_called() {
        return status; // this process is a guard, and is to stay small
    }
    start::start("distributex", Options::read, run)
}

/// Does what the options say, and tells how it ended.
pub async fn run(options: Options) -> Ending {
    let voice = Voice { program: "distributex", verbose: options.verbose };
    let (mut report, mut lock) = (Report::new(&options), None);
    let (ending, interrupt) = match stages(&options, &mut report, &mut lock, voice).await {
        Ok(Outcome { ending, interrupt, .. }) => (ending, interrupt),
        Err(ending) => (ending, Interrupt::of_waiting(ending)),
    };
    if let Some(file) = &options.status_file {
        report.write(file, ending, voice);
    }
    drop(lock);
    if let Some(interrupt) = interrupt {
        stderr::flush();
        interrupt.die();
    }
    ending
}

/// The stages in their order; an `Err` is a way out before the command had run. The local lock is for all of the run.
async fn stages(
    options: &Options,
    report: &mut Report,
    lock: &mut Option<LocalLock>,
    voice: Voice,
) -> Result<Outcome, Ending> {
    let mut signals = Signals::watch().map_err(|error| refused_by_system(voice, "signals", &error))?;
    *lock = local_lock::take(options, voice)?;
    let host = match &options.host {
        Some(host) => host.clone(),
        None => host::name().await,
    };
    report.host = Some(host.clone());
    let asking = Asking { options, host: &host, voice, started: Instant::now() };
    let slot = asking.run(&mut signals).await?;

    let (mut outcome, exit_status) = match signals.ended_meanwhile().await {
        Some(signal) => {
            let ending = Ending::Signalled(signal.as_raw());
            (Outcome { interrupt: Interrupt::of_waiting(ending), ..Outcome::of(ending) }, None)
        }
        None => {
            let outcome = run_command(options, &slot, lock.as_ref(), &mut signals, voice).await;
            let exit_status = outcome.ending.of_command();
            (outcome, exit_status)
        }
    };
    report.had(&slot);
    if let Some(Loss::Over { .. }) = outcome.loss {
        slot.give_up().await;
    } else {
        let found_out = slot.give_back(exit_status, &mut signals, voice).await;
        outcome.loss = outcome.loss.or(found_out);
    }
    report.lost(outcome.loss.take());
    Ok(outcome)
}

/// Runs the command, told what it holds, under the limits of its lease.
async fn run_command(
    options: &Options,
    slot: &Slot,
    lock: Option<&LocalLock>,
    signals: &mut Signals,
    voice: Voice,
) -> Outcome {
    let mut command = options.task.command();
    command.envs(slot.variables());
    match Job::start(command, Limits::new(options, slot.standing()), lock, signals, voice) {
        Ok(job) => job.follow(signals).await,
        Err(NotStarted::Late) => {
            let loss = slot.loss().unwrap_or_else(Loss::not_renewed);
            voice.say(format_args!("{}; the command was not started", loss.sentence(&options.pool)));
            Outcome { loss: Some(loss), ..Outcome::of(Ending::Lost) }
        }
        Err(NotStarted::Command(error)) => Outcome::of(options.task.not_started(&error, voice)),
        Err(NotStarted::Unguarded(error)) => {
            let guard = "a guard for the command (--on-lost warn needs none)";
            Outcome::of(refused_by_system(voice, guard, &error))
        }
    }
}

fn refused_by_system(voice: Voice, what: &str, error: &io::Error) -> Ending {
    voice.say(format_args!("cannot set up {what}: {error}"));
    Ending::System
}
