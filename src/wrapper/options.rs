//! What the command line says.

use std::{ffi::OsString, path::PathBuf, str::FromStr, time::Duration};

use structopt::{
    StructOpt,
    clap::{App, AppSettings, Error},
};

use super::{Grace, Task, acquire::MIN_TTL_SECONDS, ending, environment::WrapperEnvironment, help};
use crate::program::cli_values::{name, seconds, servers, usage_error, with_hint};
use distributex_client::Server;

/// What the wrapper was asked to do.
#[derive(Debug, Clone)]
pub struct WrapperOptions {
    /// Who hands out the slots; at least one, and all with one store.
    pub servers: Vec<Server>,
    /// The pool they belong to.
    pub pool: String,
    /// How this host is called, if not by its own name.
    pub host: Option<String>,
    /// Whether runs on this host exclude each other too.
    pub lock: bool,
    /// The file they do it with, if not the usual one.
    pub lock_file: Option<PathBuf>,
    /// How long to wait for a slot; nothing is for ever, zero is not at all.
    pub wait: Option<Duration>,
    /// How long the slot is to stay held when it cannot be renewed.
    pub ttl: Duration,
    /// What others may read of the run.
    pub note: Option<String>,
    /// The file that is to say what happened.
    pub status_file: Option<PathBuf>,
    /// The exit status if there was no slot.
    pub conflict_status: u8,
    /// Whether to wait for what the command left running.
    pub wait_group: bool,
    /// What happens to the command when the slot is lost.
    pub on_lost: OnLost,
    /// How long the command has from TERM to KILL when it is stopped.
    pub grace: Grace,
    /// How long it may run; nothing is for ever.
    pub max_run: Option<Duration>,
    /// Whether to say what goes well, too.
    pub verbose: bool,
    /// What is to be run.
    pub task: Task,
}

/// What happens to the command when the slot is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLost {
    /// TERM, and KILL one grace later.
    Term,
    /// KILL.
    Kill,
    /// Nothing; somebody is told.
    Warn,
}

/// The options as they are written; their comments are the help.
#[derive(Debug, StructOpt)]
#[structopt(
    name = "distributex", about = help::ABOUT, after_help = help::AFTER,
    usage = "distributex -H HOST[:PORT][,HOST...] -r POOL [OPTIONS] [--] COMMAND...",
    global_settings = &[AppSettings::TrailingVarArg, AppSettings::DeriveDisplayOrder],
)]
struct WrapperArguments {
    /// The lock server: a name or an address; several of one store, with commas, are asked in turn
    #[structopt(short = "H", long, value_name = "HOST[:PORT][,HOST...]", parse(try_from_str = servers))]
    server: Option<String>,
    /// The pool to take a slot of
    #[structopt(short, long, value_name = "POOL", parse(try_from_str = name))]
    resource: Option<String>,
    /// The server's port, if none is written behind its name
    #[structopt(short, long, value_name = "PORT", default_value = "9889")]
    port: u16,
    /// Also lock on this host: if a run for this pool is under way here, say so and end
    #[structopt(short, long)]
    lock: bool,
    /// The file of the local lock (implies -l)
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    lock_file: Option<PathBuf>,
    /// Do not wait: end if every slot is held
    #[structopt(short, long, conflicts_with = "wait")]
    nonblock: bool,
    /// Wait so long at most, fractions allowed; 0 is as -n [default: for ever]
    #[structopt(short, long, value_name = "SECONDS", parse(try_from_str = seconds))]
    wait: Option<Duration>,
    /// How long the slot stays held when it cannot be renewed, as after a power cut; from 2
    #[structopt(short, long, value_name = "SECONDS", default_value = "30", parse(try_from_str = lifetime))]
    ttl: Duration,
    /// The exit status if there is no slot [default: 75]
    #[structopt(short = "E", long, value_name = "N")]
    conflict_exit_code: Option<u8>,
    /// What this host is called [default: its full name]
    #[structopt(long, value_name = "NAME", parse(try_from_str = name))]
    host: Option<String>,
    /// What others may read of this run; the command line is not told, as it may hold passwords
    #[structopt(long, value_name = "TEXT")]
    command_note: Option<String>,
    /// Write what happened to this file at the end, as JSON
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    status_file: Option<PathBuf>,
    /// Give the slot back when the command ends, even if it left processes in the background
    #[structopt(long)]
    no_wait_group: bool,
    /// If the slot is lost or revoked: stop the command (term: TERM, then KILL; kill: only KILL), or only warn
    #[structopt(long, value_name = "term|kill|warn", default_value = "term")]
    on_lost: OnLost,
    /// KILL follows TERM so long after; half of --ttl less one at most [default: a sixth of it, 10 at most]
    #[structopt(long, value_name = "SECONDS", parse(try_from_str = seconds))]
    kill_after: Option<Duration>,
    /// Stop the command if it runs longer than this
    #[structopt(long, value_name = "SECONDS", parse(try_from_str = some_seconds))]
    max_run: Option<Duration>,
    /// Say what is going on
    #[structopt(short, long)]
    verbose: bool,
    /// What to run while the slot is held
    #[structopt(required = true, value_name = "COMMAND", parse(from_os_str))]
    command: Vec<OsString>,
}

/// What can be written on the command line, for whoever describes it.
pub(crate) fn command_line() -> App<'static, 'static> {
    WrapperArguments::clap()
}

impl WrapperOptions {
    /// Reads the command line, program name included, and the environment.
    ///
    /// # Errors
    /// When they make no sense, and when the command line asks for help or the version.
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
            conflict_status: given.conflict_exit_code.unwrap_or(ending::NO_SLOT),
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
    /// What the environment says stands before what was written.
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
    usage_error(&format!("say {what}: {option}, or DISTRIBUTEX_{variable} in the environment"))
}

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let time = seconds(text).ok().filter(|time| time.as_secs() >= MIN_TTL_SECONDS);
    time.ok_or("write a number of seconds from 2, as 30")
}

impl FromStr for OnLost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "term" => Ok(Self::Term),
            "kill" => Ok(Self::Kill),
            "warn" => Ok(Self::Warn),
            _ => Err("write term, kill or warn"),
        }
    }
}

fn some_seconds(text: &str) -> Result<Duration, &'static str> {
    seconds(text).ok().filter(|time| !time.is_zero()).ok_or("write a number of seconds above 0, as 30 or 0.5")
}
