//! What the command line and the environment say.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use structopt::{
    StructOpt as _,
    clap::{Error, Shell},
};

use super::{
    Acquire, Program,
    arguments::{Arguments, port},
    environment::Environment,
};
use crate::{
    client::{LeaseId, Server},
    program::words::{name, with_hint, wrong},
};

/// Where the server is if nobody says anything else.
const DEFAULT_SERVER: &str = "localhost";
/// The same for its port.
const DEFAULT_PORT: u16 = 9889;

/// What the tool was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The servers that the command line names.
    pub(super) given: Option<Vec<Server>>,
    /// The servers that are asked if nothing else says which: from the environment, or on this machine.
    pub(super) usual: Vec<Server>,
    /// What this host is called, if the environment says that.
    pub(super) host: Option<String>,
    /// Whether to say what goes well, too.
    pub verbose: bool,
    /// What is to be done.
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Clone)]
pub enum Command {
    /// Show how it stands.
    Status {
        /// With this pool alone, and who waits for it.
        pool: Option<String>,
        /// As the server tells it.
        json: bool,
    },
    /// Say why a pool has no slot, and who gets the next one.
    Why {
        /// The pool.
        pool: String,
    },
    /// Take a slot.
    Acquire(Acquire),
    /// Keep it for longer.
    Renew {
        /// Which.
        which: Which,
        /// For so long from now; else as long as before.
        ttl: Option<Duration>,
        /// Tell the lease.
        json: bool,
    },
    /// Give it back.
    Release {
        /// Which.
        which: Which,
    },
    /// Print what a shell needs to complete command lines.
    Completions {
        /// The shell.
        shell: Shell,
        /// Whose command lines.
        program: Program,
    },
    /// Print a manual page.
    Man {
        /// Of this program.
        program: Program,
    },
}

/// How a lease is named.
#[derive(Debug, Clone)]
pub enum Which {
    /// By a file that an acquire wrote.
    File(PathBuf),
    /// By its pool and its id.
    Id(String, LeaseId),
    /// By its pool; the id is read from the standard input.
    FromInput(String),
}

impl Options {
    /// Reads the command line, program name included, and the environment.
    ///
    /// # Errors
    /// When they make no sense, and when the command line asks for help or the version.
    pub fn read(line: &[OsString], variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let written = Arguments::from_iter_safe(line).map_err(with_hint)?;
        let environment = Environment(variable);
        let in_environment = environment.read("PORT", port).map_err(|why| wrong(&why))?;
        let port = written.port.or(in_environment).unwrap_or(DEFAULT_PORT);
        let list = |text: &str| Server::parse_list(text, port);
        let usual = environment.read("SERVER", list).map_err(|why| wrong(&why))?;
        let usual = usual.map_or_else(|| list(DEFAULT_SERVER), Ok).map_err(|why| wrong(&why.to_string()))?;
        let given = written.server.as_deref().map(list).transpose().map_err(|why| wrong(&why.to_string()))?;
        Ok(Self {
            given: given.or_else(|| written.port.map(|_| usual.clone())),
            usual,
            host: environment.read("HOST", name).map_err(|why| wrong(&why))?,
            verbose: written.verbose,
            command: written.command.into(),
        })
    }

    /// Who is asked if no lease says where it is.
    pub(super) fn servers(&self) -> &[Server] {
        self.given.as_deref().unwrap_or(&self.usual)
    }
}
