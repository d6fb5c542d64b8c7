//! Options of all commands, and arguments of `acquire`. The comments of fields are their `--help`.

use std::{
    path::{self, PathBuf},
    time::Duration,
};

use structopt::{StructOpt, clap::AppSettings};

use super::{Color, command::CtlCommand, help, operator_identity::reason};
use crate::program::cli_values::{duration, duration_from, name, servers};

/// Shortest time to live that servers accept.
const MIN_TTL: Duration = Duration::from_millis(500);

/// The command line.
#[derive(Debug, StructOpt)]
#[structopt(
    name = "distributexctl", about = help::ABOUT, after_help = help::AFTER,
    usage = "distributexctl [-H HOST[:PORT][,HOST...]] [-p PORT] COMMAND",
    global_settings = &[AppSettings::DeriveDisplayOrder, AppSettings::VersionlessSubcommands],
)]
pub(super) struct CtlArguments {
    /// Lock server, name or address; several that share a store are separated by commas and tried in turn [default: localhost]
    #[structopt(short = "H", long, global = true, value_name = "HOST[:PORT][,HOST...]", parse(try_from_str = servers))]
    pub(super) server: Option<String>,
    /// Port of servers without one of their own [default: 9889]
    #[structopt(short, long, global = true, value_name = "PORT", parse(try_from_str = port))]
    pub(super) port: Option<u16>,
    /// Verbose: report each step
    #[structopt(short, long, global = true)]
    pub(super) verbose: bool,
    /// The admin socket of the server on this machine, which needs no key; instead of -H and -p
    #[structopt(long, global = true, value_name = "PATH", conflicts_with_all = &["server", "port"], parse(try_from_str = socket))]
    pub(super) socket: Option<PathBuf>,
    /// File with the operator's key; must not be readable by others
    #[structopt(long, global = true, value_name = "FILE", parse(from_os_str))]
    pub(super) key_file: Option<PathBuf>,
    /// Author of admin actions, shown in the log and to the clients concerned [default: SUDO_USER, USER or LOGNAME]
    #[structopt(long, global = true, value_name = "NAME", parse(try_from_str = reason))]
    pub(super) author: Option<String>,
    /// Use colors; auto: on a terminal, unless NO_COLOR is set or TERM is dumb or unset [default: auto]
    #[structopt(long, global = true, value_name = "auto|always|never")]
    pub(super) color: Option<Color>,
    #[structopt(subcommand)]
    pub(super) command: CtlCommand,
}

// Arguments of acquire.
#[derive(Debug, Clone, StructOpt)]
pub(super) struct AcquireCommand {
    /// The pool
    #[structopt(value_name = "POOL", parse(try_from_str = name))]
    pub(super) pool: String,
    /// Time to live of the lease without renewal, at least 0.5 [default: the pool's expire]
    #[structopt(short, long, value_name = "DURATION", parse(try_from_str = lifetime))]
    pub(super) ttl: Option<Duration>,
    /// Do not wait: exit with 75 if every slot is held
    #[structopt(short, long, conflicts_with = "wait")]
    pub(super) nonblock: bool,
    /// Maximum time to wait; 0 means -n [default: no limit]
    #[structopt(short, long, value_name = "DURATION", parse(try_from_str = duration))]
    pub(super) wait: Option<Duration>,
    /// Name of this host [default: its fully qualified name]
    #[structopt(long, value_name = "NAME", parse(try_from_str = name))]
    pub(super) host: Option<String>,
    /// Public note, shown to everyone [default: none]
    #[structopt(long, value_name = "TEXT")]
    pub(super) command_note: Option<String>,
    /// Write the lease to this file (mode 0600), and print nothing
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    pub(super) lease_file: Option<PathBuf>,
    /// Print the lease as JSON instead of its id
    #[structopt(long, conflicts_with = "lease-file")]
    pub(super) json: bool,
}

impl AcquireCommand {
    /// Maximum time to wait; `None`: no limit, zero: do not wait.
    pub(super) fn limit(&self) -> Option<Duration> {
        if self.nonblock { Some(Duration::ZERO) } else { self.wait }
    }
}

/// Parses a port.
pub(super) fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().ok().filter(|port| *port > 0).ok_or("must be a port from 1 to 65535")
}

/// Parses the path of a socket. It has no commas, as these separate servers.
pub(super) fn socket(text: &str) -> Result<PathBuf, &'static str> {
    let path = path::absolute(text).map_err(|_| "must be the path of a unix socket")?;
    let is_path =
        path.to_str().is_some_and(|path| !path.contains(',') && !path.chars().any(char::is_control));
    if is_path { Ok(path) } else { Err("must not contain commas or control characters") }
}

/// Parses the time to live of a lease.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    duration_from(text, MIN_TTL)
}
