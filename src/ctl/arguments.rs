//! The words of the command line; their comments are the help.

use std::{path::PathBuf, time::Duration};

use structopt::{
    StructOpt,
    clap::{AppSettings, Shell},
};

use super::{Command, Program, Which, help};
use crate::{
    client::LeaseId,
    program::words::{name, seconds, servers},
};

/// No server gives a lease for less.
const SHORTEST_TTL: Duration = Duration::from_millis(500);

/// All of them.
#[derive(Debug, StructOpt)]
#[structopt(
    name = "distributexctl", about = help::ABOUT, after_help = help::AFTER,
    usage = "distributexctl [-H HOST[:PORT][,HOST...]] [-p PORT] COMMAND",
    global_settings = &[AppSettings::DeriveDisplayOrder, AppSettings::VersionlessSubcommands],
)]
pub(super) struct Arguments {
    /// The lock server: a name or an address; several of one store, with commas, are asked in turn [default: localhost]
    #[structopt(short = "H", long, global = true, value_name = "HOST[:PORT][,HOST...]", parse(try_from_str = servers))]
    pub(super) server: Option<String>,
    /// The server's port, if none is written behind its name [default: 9889]
    #[structopt(short, long, global = true, value_name = "PORT", parse(try_from_str = port))]
    pub(super) port: Option<u16>,
    /// Say what is going on
    #[structopt(short, long, global = true)]
    pub(super) verbose: bool,
    #[structopt(subcommand)]
    pub(super) command: Written,
}

#[derive(Debug, StructOpt)]
pub(super) enum Written {
    /// Show the pools: slots, who holds them, how many wait; of one pool, also who waits
    Status {
        /// This pool alone, with its line
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: Option<String>,
        /// Print what the server tells, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Say in sentences who has the slots of a pool, who waits, and what happens next
    Why {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
    },
    /// Take a slot, and print the lease's id: a secret, with which it can be renewed and released
    #[structopt(after_help = help::ACQUIRE)]
    Acquire(Acquire),
    /// Keep a slot for longer
    #[structopt(after_help = help::LEASE, usage = help::RENEW)]
    Renew {
        #[structopt(flatten)]
        lease: Lease,
        /// The lease is over so many seconds from now [default: as long as it lived before]
        #[structopt(short, long, value_name = "SECONDS", parse(try_from_str = life))]
        ttl: Option<Duration>,
        /// Print the lease as JSON
        #[structopt(long)]
        json: bool,
    },
    /// Give a slot back; one that is not held any more is no mistake
    #[structopt(after_help = help::LEASE, usage = help::RELEASE)]
    Release {
        #[structopt(flatten)]
        lease: Lease,
    },
    /// Print what a shell needs to complete command lines
    #[structopt(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell
        #[structopt(value_name = "SHELL", possible_values = &Shell::variants())]
        shell: Shell,
        /// Whose command lines
        #[structopt(value_name = "PROGRAM", default_value = "distributexctl", possible_values = Program::NAMES)]
        program: Program,
    },
    /// Print a manual page
    #[structopt(after_help = help::MAN)]
    Man {
        /// Whose
        #[structopt(value_name = "PROGRAM", default_value = "distributexctl", possible_values = Program::NAMES)]
        program: Program,
    },
}

/// What an acquire asks for.
#[derive(Debug, Clone, StructOpt)]
pub struct Acquire {
    /// The pool
    #[structopt(value_name = "POOL", parse(try_from_str = name))]
    pub pool: String,
    /// The lease is over so many seconds after it was given or renewed, from 0.5 [default: the pool's expire]
    #[structopt(short, long, value_name = "SECONDS", parse(try_from_str = life))]
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
pub(super) struct Lease {
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

impl Acquire {
    /// How long to wait for a slot; nothing is for ever, zero is not at all.
    pub(super) fn limit(&self) -> Option<Duration> {
        if self.nonblock { Some(Duration::ZERO) } else { self.wait }
    }
}

impl From<Written> for Command {
    fn from(written: Written) -> Self {
        match written {
            Written::Status { pool, json } => Self::Status { pool, json },
            Written::Why { pool } => Self::Why { pool },
            Written::Acquire(acquire) => Self::Acquire(acquire),
            Written::Renew { lease, ttl, json } => Self::Renew { which: lease.into(), ttl, json },
            Written::Release { lease } => Self::Release { which: lease.into() },
            Written::Completions { shell, program } => Self::Completions { shell, program },
            Written::Man { program } => Self::Man { program },
        }
    }
}

impl From<Lease> for Which {
    fn from(Lease { pool, lease, lease_file }: Lease) -> Self {
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

fn life(text: &str) -> Result<Duration, &'static str> {
    let time = seconds(text).ok().filter(|time| *time >= SHORTEST_TTL);
    time.ok_or("write a number of seconds from 0.5, as 30")
}
