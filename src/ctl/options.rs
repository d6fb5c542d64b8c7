//! What the command line and the environment say.

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

/// Where the server is if nobody says anything else.
const DEFAULT_SERVER: &str = "localhost";
/// The same for its port.
const DEFAULT_PORT: u16 = 9889;

/// What the tool was asked to do.
#[derive(Debug, Clone)]
pub struct CtlOptions {
    /// The servers that the command line names.
    pub(super) given: Option<Vec<Server>>,
    /// The servers that are asked if nothing else says which: from the environment, or on this machine.
    pub(super) usual: Vec<Server>,
    /// Whether the environment says which server to ask.
    is_named: bool,
    /// The operator's key, if there is one.
    pub(super) key: Option<KeySource>,
    /// What the operator is called, if anything says so.
    pub(super) author: Option<String>,
    /// When there are colours.
    pub color: Color,
    /// What this host is called, if the environment says that.
    pub(super) host: Option<String>,
    /// Whether to say what goes well, too.
    pub verbose: bool,
    /// What is to be done.
    pub command: CtlCommand,
}

impl CtlOptions {
    /// Reads the command line, program name included, and the environment.
    ///
    /// # Errors
    /// When they make no sense, and when the command line asks for help or the version.
    pub fn read(line: &[OsString], variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
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
            command: written.command.into(),
        })
    }

    /// Who is asked if no lease says where it is.
    pub(super) fn servers(&self) -> &[Server] {
        self.given.as_deref().unwrap_or(&self.usual)
    }

    /// Who is asked by an operator: if nothing says which server, the one on this machine, by its socket. Who
    /// has a key can do without.
    pub(super) fn operators_servers(&self) -> Vec<Server> {
        let is_free = self.given.is_none() && !self.is_named;
        let is_there = || Path::new(DEFAULT_SOCKET).exists();
        if is_free && is_there() && (self.key.is_none() || operator_identity::default_socket_is_open()) {
            return vec![Server::socket(DEFAULT_SOCKET)];
        }
        self.servers().to_vec()
    }
}

/// Where the operator's key is; the command line wins.
fn key(file: Option<PathBuf>, environment: CtlEnvironment<'_>) -> Result<Option<KeySource>, String> {
    if let Some(file) = file {
        return Ok(Some(KeySource::File(file)));
    }
    let path = |text: &str| Ok::<_, String>(PathBuf::from(text));
    let file = environment.read("KEY_FILE", path)?.map(KeySource::File);
    let known = environment.read_secret("KEY", Key::read)?.map(KeySource::Known);
    if file.is_some() && known.is_some() {
        return Err(
            "DISTRIBUTEX_KEY and DISTRIBUTEX_KEY_FILE contradict each other; unset one of them".to_owned()
        );
    }
    Ok(file.or(known))
}
