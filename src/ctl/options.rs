//! Options of the operator's tool, from the command line and the environment.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use structopt::{StructOpt as _, clap::Error};

use super::{
    Color, CtlCommand,
    arguments::{CtlArguments, port, socket},
    environment::CtlEnvironment,
    operator_identity::{self, DEFAULT_SOCKET, KeySource},
    suggest,
};
use crate::program::cli_values::{name, usage_error, with_hint};
use distributex_client::{Key, Server};

/// Default server.
const DEFAULT_SERVER: &str = "localhost";
/// Default port.
const DEFAULT_PORT: u16 = 9889;

/// Options of one invocation.
#[derive(Debug, Clone)]
pub(super) struct CtlOptions {
    /// Servers given on the command line.
    pub(super) given: Option<Vec<Server>>,
    /// Servers used otherwise: those of the environment, or the default.
    pub(super) usual: Vec<Server>,
    /// Whether the environment names a server.
    is_named: bool,
    /// Source of the operator's key; `None` without one.
    pub(super) key: Option<KeySource>,
    /// Author of admin actions; `None` if unknown.
    pub(super) author: Option<String>,
    /// Use of colors.
    pub(super) color: Color,
    /// Name of this host, if the environment sets it.
    pub(super) host: Option<String>,
    /// Whether to report each step.
    pub(super) verbose: bool,
    /// The command.
    pub(super) command: CtlCommand,
}

impl CtlOptions {
    /// Reads the command line, program name included, and the environment.
    ///
    /// # Errors
    /// When they are invalid, and when the command line asks for help or the version.
    pub(super) fn read(
        line: &[OsString],
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let written =
            CtlArguments::from_iter_safe(line).map_err(|error| with_hint(suggest::command(error, line)))?;
        let environment = CtlEnvironment(variable);
        let in_environment = environment.read("PORT", port).map_err(|why| usage_error(&why))?;
        let port = written.port.or(in_environment).unwrap_or(DEFAULT_PORT);
        let list = |text: &str| Server::parse_list(text, port);
        let in_socket = environment.read("SOCKET", socket).map_err(|why| usage_error(&why))?;
        let named = match in_socket.filter(|_| written.port.is_none()) {
            Some(path) => Some(vec![Server::socket(path)]),
            None => environment.read("SERVER", list).map_err(|why| usage_error(&why))?,
        };
        let is_named = named.is_some() || in_environment.is_some();
        let usual =
            named.map_or_else(|| list(DEFAULT_SERVER), Ok).map_err(|why| usage_error(&why.to_string()))?;
        let given =
            written.server.as_deref().map(list).transpose().map_err(|why| usage_error(&why.to_string()))?;
        let given = given.or_else(|| written.port.map(|_| usual.clone()));
        Ok(Self {
            given: written.socket.map(|path| vec![Server::socket(path)]).or(given),
            usual,
            is_named,
            key: key(written.key_file, environment).map_err(|why| usage_error(&why))?,
            author: written.author.or_else(|| operator_identity::author(variable)),
            color: written.color.unwrap_or_default(),
            host: environment.read("HOST", name).map_err(|why| usage_error(&why))?,
            verbose: written.verbose,
            command: written.command,
        })
    }

    /// Servers for commands without a lease file.
    pub(super) fn servers(&self) -> &[Server] {
        self.given.as_deref().unwrap_or(&self.usual)
    }

    /// Servers for admin actions: without any given, the admin socket of this machine, if it exists and is
    /// usable or no key is given.
    pub(super) fn operators_servers(&self) -> Vec<Server> {
        let is_free = self.given.is_none() && !self.is_named;
        let is_there = || Path::new(DEFAULT_SOCKET).exists();
        if is_free && is_there() && (self.key.is_none() || operator_identity::default_socket_is_open()) {
            return vec![Server::socket(DEFAULT_SOCKET)];
        }
        self.servers().to_vec()
    }
}

/// The source of the operator's key; the command line takes precedence.
fn key(file: Option<PathBuf>, environment: CtlEnvironment<'_>) -> Result<Option<KeySource>, String> {
    if let Some(file) = file {
        return Ok(Some(KeySource::File(file)));
    }
    let path = |text: &str| Ok::<_, String>(PathBuf::from(text));
    let file = environment.read("KEY_FILE", path)?.map(KeySource::File);
    let known = environment.read_secret("KEY", Key::read)?.map(KeySource::Known);
    if file.is_some() && known.is_some() {
        return Err("DISTRIBUTEX_KEY and DISTRIBUTEX_KEY_FILE are both set; unset one of them".to_owned());
    }
    Ok(file.or(known))
}
