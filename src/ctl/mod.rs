//! The operator's tool: shows how it stands with the pools, and holds slots for scripts that cannot be run
//! by the wrapper.
//!
//! ```text
//!  status, why ─► state ─► table, sentences, JSON
//!  acquire ─► lease ─► standard output or a file ─┬ renew ───► the same file
//!                                                 └ release ─► no file
//! ```

mod acquire;
mod arguments;
mod ending;
mod environment;
mod help;
mod holding;
mod lease_file;
mod manual;
mod options;
mod output;
mod release;
mod renew;
mod status;
mod table;
mod text;
mod why;

pub use self::{
    arguments::Acquire,
    ending::Ending,
    manual::Program,
    options::{Command, Options, Which},
};

use std::process::ExitCode;

use crate::{
    client::{AskError, Client},
    program::{start::start, voice::Voice},
};

use self::{acquire::Acquiring, output::show, text::clean};

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    start("distributexctl", Options::read, run)
}

/// Does what the options say, and tells how it ended.
pub async fn run(options: Options) -> Ending {
    let voice = Voice { program: "distributexctl", verbose: options.verbose };
    let client = || Client::new(options.servers().to_vec());
    let ended = match &options.command {
        Command::Status { pool, json } => status::run(&client(), pool.as_deref(), *json, voice).await,
        Command::Why { pool } => why::run(&client(), pool, voice).await,
        Command::Acquire(acquire) => Acquiring { options: &options, acquire, voice }.run().await,
        Command::Renew { which, ttl, json } => renew::run(&options, which, *ttl, *json, voice).await,
        Command::Release { which } => release::run(&options, which, voice).await,
        Command::Completions { shell, program } => show(&program.completions(*shell), voice),
        Command::Man { program } => show(&program.manual(), voice),
    };
    match ended {
        Ok(()) => Ending::Done,
        Err(ending) => ending,
    }
}

/// Says what went wrong when a server was asked for something.
fn failed(error: &AskError, voice: Voice) -> Ending {
    voice.say(format_args!("{}", clean(&error.to_string())));
    Ending::of(error)
}
