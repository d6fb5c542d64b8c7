//! The operator's tool: inspects and administers pools, and holds slots for scripts that the wrapper cannot run.
//!
//! ```text
//!  status, why, history ─► snapshot, ended runs ─► table, sentences or JSON
//!  events, status --watch ─► event stream ─► one line per event, or the table again
//!  force-release, revoke, pause, resume, promote, evict, reload ─► result as a sentence or JSON
//!  acquire ─► lease ─► standard output or a file ─┬ renew ───► the same file
//!                                                 └ release ─► file deleted
//!  completions, man ─► scripts and manual pages of all programs
//! ```

mod acquire;
mod admin;
mod arguments;
mod command;
mod complete;
mod ending;
mod environment;
mod estimate;
mod event_text;
mod events;
mod format;
mod help;
mod history;
mod holder_selector;
mod lease_file;
mod lease_reference;
mod manual;
mod operator_identity;
mod options;
mod output;
mod release;
mod renew;
mod revoked;
mod status;
mod style;
mod suggest;
mod table;
mod watch;
mod why;

use self::{
    arguments::AcquireCommand, command::CtlCommand, complete::CompletionRequest, ending::CtlOutcome,
    manual::Program, options::CtlOptions, style::Color,
};

use std::process::ExitCode;

use crate::program::{console::Console, interruption::Interrupted, signals::Signals, start::start};
use distributex_client::{Client, ClientError};

use self::{acquire::ScriptAcquire, output::show};

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    start("distributexctl", CtlOptions::read, run)
}

/// Runs the command.
async fn run(options: CtlOptions) -> CtlOutcome {
    let console = Console { program: "distributexctl", verbose: options.verbose };
    let client = || Client::new(options.servers().to_vec());
    let style = |json| OutputStyle { json, colored: options.color.is_wanted() };
    let ended = match &options.command {
        CtlCommand::Status { pool, watch: true, json } => {
            watch::run(&client(), pool.as_deref(), style(*json), console).await
        }
        CtlCommand::Status { pool, watch: false, json } => {
            status::run(&client(), pool.as_deref(), style(*json), console).await
        }
        CtlCommand::Why { pool, json } => why::run(&client(), pool, *json, console).await,
        CtlCommand::History { pool, json } => history::run(&client(), pool, style(*json), console).await,
        CtlCommand::Events { pools, json } => events::run(&client(), pools, style(*json), console).await,
        CtlCommand::Admin(action) => admin::run(&options, action, console).await,
        CtlCommand::Acquire(acquire) => ScriptAcquire { options: &options, acquire, console }.run().await,
        CtlCommand::Renew { lease, ttl, json } => {
            renew::run(&options, &lease.clone().selector(), *ttl, *json, console).await
        }
        CtlCommand::Release { lease } => release::run(&options, &lease.clone().selector(), console).await,
        CtlCommand::Completions { shell, program } => show(&complete::script(*shell, *program), console),
        CtlCommand::Complete(request) => complete::run(&options, request, console).await,
        CtlCommand::Man { program } => show(&program.manual(), console),
    };
    match ended {
        Ok(()) => CtlOutcome::Done,
        Err(ending) => ending,
    }
}

/// Style of standard output.
#[derive(Debug, Clone, Copy)]
struct OutputStyle {
    /// As JSON.
    json: bool,
    /// With colors.
    colored: bool,
}

/// Starts to handle signals.
fn signals(console: Console) -> Result<Signals, CtlOutcome> {
    Signals::watch().map_err(|error| {
        console.error(format_args!("cannot set up signals: {error}"));
        CtlOutcome::System
    })
}

/// The outcome after an interruption.
fn stopped(stop: Interrupted) -> CtlOutcome {
    match stop {
        Interrupted::Signal(signal) => CtlOutcome::Signalled(signal.as_raw()),
        Interrupted::Over => CtlOutcome::NoSlot,
    }
}

/// Reports the error of a request.
fn failed(error: &ClientError, console: Console) -> CtlOutcome {
    console.error(format_args!("{}", error));
    CtlOutcome::of(error)
}
