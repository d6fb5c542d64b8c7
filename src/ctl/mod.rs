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
mod arguments;
mod color;
mod command;
mod complete;
mod ending;
mod environment;
mod estimate;
mod events;
mod forced;
mod held;
mod help;
mod history;
mod holding;
mod lease_file;
mod lever;
mod levers;
mod manual;
mod options;
mod output;
mod release;
mod renew;
mod revoked;
mod sentence;
mod status;
mod suggest;
mod table;
mod text;
mod watch;
mod who;
mod why;
mod written;

pub use self::{
    arguments::Acquire,
    color::Color,
    command::{Command, Which},
    complete::Begun,
    ending::Ending,
    lever::{Held, Lever},
    manual::Program,
    options::Options,
};

use std::process::ExitCode;

use crate::{
    client::{AskError, Client},
    program::{signals::Signals, start::start, stop::Stop, voice::Voice},
};

use self::{acquire::Acquiring, output::show};

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    start("distributexctl", Options::read, run)
}

/// Does what the options say, and tells how it ended.
pub async fn run(options: Options) -> Ending {
    let voice = Voice { program: "distributexctl", verbose: options.verbose };
    let client = || Client::new(options.servers().to_vec());
    let look = |json| Look { json, colored: options.color.is_wanted() };
    let ended = match &options.command {
        Command::Status { pool, watch: true, json } => {
            watch::run(&client(), pool.as_deref(), look(*json), voice).await
        }
        Command::Status { pool, watch: false, json } => {
            status::run(&client(), pool.as_deref(), look(*json), voice).await
        }
        Command::Why { pool, json } => why::run(&client(), pool, *json, voice).await,
        Command::History { pool, json } => history::run(&client(), pool, look(*json), voice).await,
        Command::Events { pools, json } => events::run(&client(), pools, look(*json), voice).await,
        Command::Pull { lever, json } => levers::run(&options, lever, *json, voice).await,
        Command::Acquire(acquire) => Acquiring { options: &options, acquire, voice }.run().await,
        Command::Renew { which, ttl, json } => renew::run(&options, which, *ttl, *json, voice).await,
        Command::Release { which } => release::run(&options, which, voice).await,
        Command::Completions { shell, program } => show(&complete::script(*shell, *program), voice),
        Command::Complete(begun) => complete::run(&options, begun, voice).await,
        Command::Man { program } => show(&program.manual(), voice),
    };
    match ended {
        Ok(()) => Ending::Done,
        Err(ending) => ending,
    }
}

/// How something is shown.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// As JSON.
    json: bool,
    /// With colours.
    colored: bool,
}

/// From now on signals are read, not felt.
fn signals(voice: Voice) -> Result<Signals, Ending> {
    Signals::watch().map_err(|error| {
        voice.say(format_args!("cannot set up signals: {error}"));
        Ending::System
    })
}

/// How it ends when something from outside ended it.
fn stopped(stop: Stop) -> Ending {
    match stop {
        Stop::Signal(signal) => Ending::Signalled(signal.as_raw()),
        Stop::Over => Ending::NoSlot,
    }
}

/// Says what went wrong when a server was asked for something.
fn failed(error: &AskError, voice: Voice) -> Ending {
    voice.say(format_args!("{}", error));
    Ending::of(error)
}
