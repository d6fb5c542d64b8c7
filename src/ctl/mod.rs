//! The operator's tool: shows how it stands with the pools, and holds slots for scripts that cannot be run
//! by the wrapper.
//!
//! ```text
//!  status, why, history ─► how it stands, and how it went ─► table, sentences, JSON
//!  events, status --watch ─► what happens ─► a line each, or the table again
//!  force-release, revoke, pause, resume, front, remove, reload ─► what came of it
//!  acquire ─► lease ─► standard output or a file ─┬ renew ───► the same file
//!                                                 └ release ─► no file
//!  completions, man ─► what shells and people read of all programs; complete ─► what can follow on a line
//! ```

mod acquire;
mod admin;
mod admin_command;
mod arguments;
mod command;
mod command_arguments;
mod complete;
mod ending;
mod environment;
mod estimate;
mod event_text;
mod events;
mod forced;
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

pub use self::{
    admin_command::{AdminCommand, HolderSelector},
    arguments::AcquireCommand,
    command::{CtlCommand, LeaseSelector},
    complete::CompletionRequest,
    ending::CtlOutcome,
    manual::Program,
    options::CtlOptions,
    style::Color,
};

use std::process::ExitCode;

use crate::program::{console::Console, interruption::Interrupted, signals::Signals, start::start};
use distributex_client::{Client, ClientError};

use self::{acquire::ScriptAcquire, output::show};

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    start("distributexctl", CtlOptions::read, run)
}

/// Does what the options say, and tells how it ended.
pub async fn run(options: CtlOptions) -> CtlOutcome {
    let console = Console { program: "distributexctl", verbose: options.verbose };
    let client = || Client::new(options.servers().to_vec());
    let look = |json| OutputStyle { json, colored: options.color.is_wanted() };
    let ended = match &options.command {
        CtlCommand::Status { pool, watch: true, json } => {
            watch::run(&client(), pool.as_deref(), look(*json), console).await
        }
        CtlCommand::Status { pool, watch: false, json } => {
            status::run(&client(), pool.as_deref(), look(*json), console).await
        }
        CtlCommand::Why { pool, json } => why::run(&client(), pool, *json, console).await,
        CtlCommand::History { pool, json } => history::run(&client(), pool, look(*json), console).await,
        CtlCommand::Events { pools, json } => events::run(&client(), pools, look(*json), console).await,
        CtlCommand::Pull { action, json } => admin::run(&options, action, *json, console).await,
        CtlCommand::Acquire(acquire) => ScriptAcquire { options: &options, acquire, console }.run().await,
        CtlCommand::Renew { which, ttl, json } => renew::run(&options, which, *ttl, *json, console).await,
        CtlCommand::Release { which } => release::run(&options, which, console).await,
        CtlCommand::Completions { shell, program } => show(&complete::script(*shell, *program), console),
        CtlCommand::Complete(begun) => complete::run(&options, begun, console).await,
        CtlCommand::Man { program } => show(&program.manual(), console),
    };
    match ended {
        Ok(()) => CtlOutcome::Done,
        Err(ending) => ending,
    }
}

/// How something is shown.
#[derive(Debug, Clone, Copy)]
struct OutputStyle {
    /// As JSON.
    json: bool,
    /// With colours.
    colored: bool,
}

/// From now on signals are read, not felt.
fn signals(console: Console) -> Result<Signals, CtlOutcome> {
    Signals::watch().map_err(|error| {
        console.error(format_args!("cannot set up signals: {error}"));
        CtlOutcome::System
    })
}

/// How it ends when something from outside ended it.
fn stopped(stop: Interrupted) -> CtlOutcome {
    match stop {
        Interrupted::Signal(signal) => CtlOutcome::Signalled(signal.as_raw()),
        Interrupted::Over => CtlOutcome::NoSlot,
    }
}

/// Says what went wrong when a server was asked for something.
fn failed(error: &ClientError, console: Console) -> CtlOutcome {
    console.error(format_args!("{}", error));
    CtlOutcome::of(error)
}
