//! The wrapper: runs a command only while this host holds a slot.
//!
//! ```text
//!  local lock ─► slot ─► guard ─► command ─► rest of its group ─► slot released ─► exit status
//! ```
//! Every early exit passes the remaining cleanup steps.

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
    ending::WrapperOutcome,
    options::{OnLost, WrapperOptions},
    task::Task,
};

use std::{io, process::ExitCode};

use tokio::time::Instant;

use self::{
    acquire::SlotRequest,
    command::{NotStarted, RunningCommand},
    interrupt::Interrupt,
    limits::RunLimits,
    local_lock::LocalLock,
    loss::{CommandOutcome, SlotLoss},
    report::Report,
    slot::Slot,
};
use crate::program::{console::Console, signals::Signals};
use crate::program::{host, start, stderr};

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(status) = guard::run_if_guard() {
        return status; // this process is a guard, which must stay small
    }
    start::start("distributex", WrapperOptions::read, run)
}

/// Runs the command as the options say.
pub async fn run(options: WrapperOptions) -> WrapperOutcome {
    let console = Console { program: "distributex", verbose: options.verbose };
    let (mut report, mut lock) = (Report::new(&options), None);
    let (ending, interrupt) = match stages(&options, &mut report, &mut lock, console).await {
        Ok(CommandOutcome { ending, interrupt, .. }) => (ending, interrupt),
        Err(ending) => (ending, Interrupt::of_waiting(ending)),
    };
    if let Some(file) = &options.status_file {
        report.write(file, ending, console);
    }
    drop(lock);
    if let Some(interrupt) = interrupt {
        stderr::flush();
        interrupt.die();
    }
    ending
}

/// The stages in order; an `Err` is an exit before the command ran. The local lock is held for the whole run.
async fn stages(
    options: &WrapperOptions,
    report: &mut Report,
    lock: &mut Option<LocalLock>,
    console: Console,
) -> Result<CommandOutcome, WrapperOutcome> {
    let mut signals = Signals::watch().map_err(|error| refused_by_system(console, "signals", &error))?;
    *lock = local_lock::take(options, console)?;
    let host = match &options.host {
        Some(host) => host.clone(),
        None => host::name().await,
    };
    report.host = Some(host.clone());
    let slot_request = SlotRequest { options, host: &host, console, started: Instant::now() };
    let slot = slot_request.run(&mut signals).await?;

    let (mut outcome, exit_status) = match signals.ended_meanwhile().await {
        Some(signal) => {
            let ending = WrapperOutcome::Signalled(signal.as_raw());
            (CommandOutcome { interrupt: Interrupt::of_waiting(ending), ..CommandOutcome::of(ending) }, None)
        }
        None => {
            let outcome = run_command(options, &slot, lock.as_ref(), &mut signals, console).await;
            let exit_status = outcome.ending.of_command();
            (outcome, exit_status)
        }
    };
    report.had(&slot);
    if let Some(SlotLoss::Over { .. }) = outcome.loss {
        slot.give_up().await;
    } else {
        let found_out = slot.release(exit_status, &mut signals, console).await;
        outcome.loss = outcome.loss.or(found_out);
    }
    report.lost(outcome.loss.take());
    Ok(outcome)
}

/// Runs the command with the variables of its slot, under the limits of its lease.
async fn run_command(
    options: &WrapperOptions,
    slot: &Slot,
    lock: Option<&LocalLock>,
    signals: &mut Signals,
    console: Console,
) -> CommandOutcome {
    let mut command = options.task.command();
    command.envs(slot.variables());
    match RunningCommand::start(command, RunLimits::new(options, slot.status()), lock, signals, console) {
        Ok(job) => job.follow(signals).await,
        Err(NotStarted::Late) => {
            let loss = slot.loss().unwrap_or_else(SlotLoss::not_renewed);
            console.error(format_args!("{}; the command was not started", loss.sentence(&options.pool)));
            CommandOutcome { loss: Some(loss), ..CommandOutcome::of(WrapperOutcome::Lost) }
        }
        Err(NotStarted::Command(error)) => CommandOutcome::of(options.task.not_started(&error, console)),
        Err(NotStarted::Unguarded(error)) => {
            let guard = "a guard for the command (--on-lost warn needs none)";
            CommandOutcome::of(refused_by_system(console, guard, &error))
        }
    }
}

fn refused_by_system(console: Console, what: &str, error: &io::Error) -> WrapperOutcome {
    console.error(format_args!("cannot set up {what}: {error}"));
    WrapperOutcome::System
}
