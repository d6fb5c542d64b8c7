//! Options of the wrapper, from the command line and the environment.

use std::{ffi::OsString, path::PathBuf, str::FromStr, time::Duration};

use structopt::{
    StructOpt,
    clap::{App, AppSettings, Error},
};

use super::{Grace, Task, acquire::MIN_TTL_SECONDS, environment::WrapperEnvironment, help};
use crate::program::cli_values::{duration, duration_from, name, servers, usage_error, with_hint};
use crate::program::exit_status;
use distributex_client::Server;

/// Options of one run.
#[derive(Debug, Clone)]
pub struct WrapperOptions {
    /// Lock servers that share a store; at least one.
    pub servers: Vec<Server>,
    /// The pool.
    pub pool: String,
    /// Name of this host; `None`: determined by the name service.
    pub host: Option<String>,
    /// Whether runs on this host exclude each other too.
    pub lock: bool,
    /// File of the local lock; `None`: the default.
    pub lock_file: Option<PathBuf>,
    /// Maximum time to wait for a slot; `None`: no limit, zero: do not wait.
    pub wait: Option<Duration>,
    /// Time to live of the lease without renewal.
    pub ttl: Duration,
    /// Public note of the run.
    pub note: Option<String>,
    /// File for the result, as JSON.
    pub status_file: Option<PathBuf>,
    /// Exit status without a slot.
    pub conflict_status: u8,
    /// Whether to wait for processes the command left running.
    pub wait_group: bool,
    /// Reaction to a lost slot.
    pub on_lost: OnLost,
    /// Time from TERM to KILL when the command is stopped.
    pub grace: Grace,
    /// Maximum run time of the command; `None`: no limit.
    pub max_run: Option<Duration>,
    /// Whether to report each step.
    pub verbose: bool,
    /// The command.
    pub task: Task,
}

/// Reaction to a lost slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLost {
    /// TERM, and KILL one grace later.
    Term,
    /// KILL.
    Kill,
    /// Only a warning.
    Warn,
}

/// The command line; the comments of fields are the help.
#[derive(Debug, StructOpt)]
#[structopt(
    name = "distributex", about = help::ABOUT, after_help = help::AFTER,
    usage = "distributex -H HOST[:PORT][,HOST...] -r POOL [OPTIONS] [--] COMMAND...",
    global_settings = &[AppSettings::TrailingVarArg, AppSettings::DeriveDisplayOrder],
)]
struct WrapperArguments {
    /// Lock server, name or address; several that share a store are separated by commas and tried in turn
    #[structopt(short = "H", long, value_name = "HOST[:PORT][,HOST...]", parse(try_from_str = servers))]
    server: Option<String>,
    /// The pool
    #[structopt(short, long, value_name = "POOL", parse(try_from_str = name))]
    resource: Option<String>,
    /// Port of servers without one of their own
    #[structopt(short, long, value_name = "PORT", default_value = "9889")]
    port: u16,
    /// Also lock on this host: exit with 75 if another run for this pool is in progress here
    #[structopt(short, long)]
    lock: bool,
    /// File of the local lock; implies -l [default: one per pool below /run/distributex (root) or $XDG_RUNTIME_DIR]
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    lock_file: Option<PathBuf>,
    /// Do not wait: exit with 75 if every slot is held
    #[structopt(short, long, conflicts_with = "wait")]
    nonblock: bool,
    /// Maximum time to wait; 0 means -n [default: no limit]
    #[structopt(short, long, value_name = "DURATION", parse(try_from_str = duration))]
    wait: Option<Duration>,
    /// Time to live of the lease: the slot is freed this long after the last renewal, e.g. after a crash; at least 2
    #[structopt(short, long, value_name = "DURATION", default_value = "30", parse(try_from_str = lifetime))]
    ttl: Duration,
    /// Exit status without a slot [default: 75]
    #[structopt(short = "E", long, value_name = "N")]
    conflict_exit_code: Option<u8>,
    /// Name of this host [default: its fully qualified name]
    #[structopt(long, value_name = "NAME", parse(try_from_str = name))]
    host: Option<String>,
    /// Public note, shown to everyone [default: none; the command line is never sent, as it may contain passwords]
    #[structopt(long, value_name = "TEXT")]
    command_note: Option<String>,
    /// Write the result as JSON to this file; tells exit statuses of distributex from those of the command
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    status_file: Option<PathBuf>,
    /// Release the slot when the command ends, even if it left processes in the background
    #[structopt(long)]
    no_wait_group: bool,
    /// If the slot is lost or revoked: stop the command (term: TERM, then KILL; kill: only KILL), or only warn
    #[structopt(long, value_name = "term|kill|warn", default_value = "term")]
    on_lost: OnLost,
    /// Time between TERM and KILL, at most half of --ttl less one [default: a sixth of --ttl, at most 10]
    #[structopt(long, value_name = "DURATION", parse(try_from_str = duration))]
    kill_after: Option<Duration>,
    /// Stop the command if it runs longer than this [default: no limit]
    #[structopt(long, value_name = "DURATION", parse(try_from_str = positive))]
    max_run: Option<Duration>,
    /// Verbose: report each step
    #[structopt(short, long)]
    verbose: bool,
    /// Command to run while the slot is held
    #[structopt(required = true, value_name = "COMMAND", parse(from_os_str))]
    command: Vec<OsString>,
}

/// The command-line definition, for manual pages and completions.
pub(crate) fn command_line() -> App<'static, 'static> {
    WrapperArguments::clap()
}

impl WrapperOptions {
    /// Reads the command line, program name included, and the environment.
    ///
    /// # Errors
    /// When they are invalid, and when the command line asks for help or the version.
    pub fn read(line: &[OsString], variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let given = WrapperArguments::read(line, variable).map_err(with_hint)?;
        let server = given.server.ok_or_else(|| missing("the server", "-H HOST", "SERVER"))?;
        let servers =
            Server::parse_list(&server, given.port).map_err(|error| usage_error(&error.to_string()))?;
        Ok(Self {
            servers,
            pool: given.resource.ok_or_else(|| missing("the pool", "-r POOL", "RESOURCE"))?,
            host: given.host,
            lock: given.lock || given.lock_file.is_some(),
            lock_file: given.lock_file,
            wait: if given.nonblock { Some(Duration::ZERO) } else { given.wait },
            ttl: given.ttl,
            note: given.command_note,
            status_file: given.status_file,
            conflict_status: given.conflict_exit_code.unwrap_or(exit_status::NO_SLOT),
            wait_group: !given.no_wait_group,
            on_lost: given.on_lost,
            grace: Grace::new(given.kill_after, Some(given.ttl)).map_err(|error| usage_error(&error))?,
            max_run: given.max_run,
            verbose: given.verbose,
            task: Task::read(line, given.command).map_err(usage_error)?,
        })
    }
}

impl WrapperArguments {
    /// Inserts the options of the environment before those of the command line.
    fn read(line: &[OsString], variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let given = Self::clap().get_matches_from_safe(line)?;
        let words = WrapperEnvironment { variable, app: &Self::clap, given: &given }.words()?;
        let Some((program, rest)) = line.split_first().filter(|_| !words.is_empty()) else {
            return Ok(Self::from_clap(&given));
        };
        Self::from_iter_safe([program].into_iter().chain(&words).chain(rest))
    }
}

fn missing(what: &str, option: &str, variable: &str) -> Error {
    usage_error(&format!("{what} is missing: give {option}, or DISTRIBUTEX_{variable} in the environment"))
}

fn lifetime(text: &str) -> Result<Duration, String> {
    duration_from(text, Duration::from_secs(MIN_TTL_SECONDS))
}

/// Parses a duration above zero.
fn positive(text: &str) -> Result<Duration, String> {
    duration_from(text, Duration::from_millis(1))
}

impl FromStr for OnLost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "term" => Ok(Self::Term),
            "kill" => Ok(Self::Kill),
            "warn" => Ok(Self::Warn),
            _ => Err("must be term, kill or warn"),
        }
    }
}
