//! The words of the command line; their comments are the help.

use std::{
    path::{self, PathBuf},
    time::Duration,
};

use structopt::{StructOpt, clap::AppSettings};

use super::{Color, LeaseSelector, command_arguments::CommandArguments, help, operator_identity::reason};
use crate::program::cli_values::{name, seconds, servers};
use distributex_client::LeaseId;

/// No server gives a lease for less.
const MIN_TTL: Duration = Duration::from_millis(500);

/// All of them.
#[derive(Debug, StructOpt)]
#[structopt(
    name = "distributexctl", about = help::ABOUT, after_help = help::AFTER,
    usage = "distributexctl [-H HOST[:PORT][,HOST...]] [-p PORT] COMMAND",
    global_settings = &[AppSettings::DeriveDisplayOrder, AppSettings::VersionlessSubcommands],
)]
pub(super) struct CtlArguments {
    /// The lock server: a name or an address; several of one store, with commas, are asked in turn [default: localhost]
    #[structopt(short = "H", long, global = true, value_name = "HOST[:PORT][,HOST...]", parse(try_from_str = servers))]
    pub(super) server: Option<String>,
    /// The server's port, if none is written behind its name [default: 9889]
    #[structopt(short, long, global = true, value_name = "PORT", parse(try_from_str = port))]
    pub(super) port: Option<u16>,
    /// Say what is going on
    #[structopt(short, long, global = true)]
    pub(super) verbose: bool,
    /// The unix socket of the server on this machine, which needs no key; instead of -H and -p
    #[structopt(long, global = true, value_name = "PATH", conflicts_with_all = &["server", "port"], parse(try_from_str = socket))]
    pub(super) socket: Option<PathBuf>,
    /// The file with the operator's key, which nobody else can read
    #[structopt(long, global = true, value_name = "FILE", parse(from_os_str))]
    pub(super) key_file: Option<PathBuf>,
    /// Who does it, for the log and for those who ask why [default: SUDO_USER, USER or LOGNAME]
    #[structopt(long, global = true, value_name = "NAME", parse(try_from_str = reason))]
    pub(super) author: Option<String>,
    /// Colours: auto is on a terminal, unless NO_COLOR is set or TERM is dumb or not set [default: auto]
    #[structopt(long, global = true, value_name = "auto|always|never")]
    pub(super) color: Option<Color>,
    #[structopt(subcommand)]
    pub(super) command: CommandArguments,
}

/// What an acquire asks for.
#[derive(Debug, Clone, StructOpt)]
pub struct AcquireCommand {
    /// The pool
    #[structopt(value_name = "POOL", parse(try_from_str = name))]
    pub pool: String,
    /// The lease is over so many seconds after it was given or renewed, from 0.5 [default: the pool's expire]
    #[structopt(short, long, value_name = "SECONDS", parse(try_from_str = lifetime))]
    pub ttl: Option<Duration>,
    /// Do not wait: end if every slot is held
    #[structopt(short, long, conflicts_with = "wait")]
    pub nonblock: bool,
    /// Wait so long at most, fractions allowed; 0 is as -n [default: for ever]
    #[structopt(short, long, value_name = "SECONDS", parse(try_from_str = seconds))]
    pub wait: Option<Duration>,
    /// What this host is called [default: its full name]
    #[structopt(long, value_name = "NAME", parse(try_from_str = name))]
    pub host: Option<String>,
    /// What others may read of this lease
    #[structopt(long, value_name = "TEXT")]
    pub command_note: Option<String>,
    /// Write the lease to this file, which only its owner can read, and print nothing
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    pub lease_file: Option<PathBuf>,
    /// Print the lease as JSON, not its id alone
    #[structopt(long, conflicts_with = "lease-file")]
    pub json: bool,
}

// How a lease is written. (Documentation here would become the help of the commands that have one.)
#[derive(Debug, StructOpt)]
pub(super) struct LeaseArguments {
    /// The pool
    #[structopt(value_name = "POOL", required_unless = "lease-file", conflicts_with = "lease-file", parse(try_from_str = name))]
    pool: Option<String>,
    /// The lease's id, or - to read it from the standard input, so that `ps` does not show it
    #[structopt(value_name = "LEASE", required_unless = "lease-file")]
    lease: Option<String>,
    /// The file that an acquire wrote
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    lease_file: Option<PathBuf>,
}

impl AcquireCommand {
    /// How long to wait for a slot; nothing is for ever, zero is not at all.
    pub(super) fn limit(&self) -> Option<Duration> {
        if self.nonblock { Some(Duration::ZERO) } else { self.wait }
    }
}

impl From<LeaseArguments> for LeaseSelector {
    fn from(LeaseArguments { pool, lease, lease_file }: LeaseArguments) -> Self {
        match (lease_file, pool.unwrap_or_default(), lease.unwrap_or_default()) {
            (Some(file), ..) => Self::File(file),
            (None, pool, lease) if lease == "-" => Self::FromInput(pool),
            (None, pool, lease) => Self::Id(pool, LeaseId::new(lease)),
        }
    }
}

/// A port.
pub(super) fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().ok().filter(|port| *port > 0).ok_or("a port is a number from 1 to 65535")
}

/// The path of a socket. Where servers are listed there are commas between them.
pub(super) fn socket(text: &str) -> Result<PathBuf, &'static str> {
    let path = path::absolute(text).map_err(|_| "write the path of a unix socket")?;
    let is_path =
        path.to_str().is_some_and(|path| !path.contains(',') && !path.chars().any(char::is_control));
    if is_path { Ok(path) } else { Err("a path here has no commas and no control characters") }
}

/// How long a lease lives.
pub(super) fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let time = seconds(text).ok().filter(|time| *time >= MIN_TTL);
    time.ok_or("write a number of seconds from 0.5, as 30")
}
