//! Manual pages and completion scripts of the programs, generated from their command-line definitions.

mod options;
mod page;
mod sections;

use std::str::FromStr;

use structopt::{
    StructOpt as _,
    clap::{App, Shell},
};

use super::arguments::CtlArguments;
use crate::{server, wrapper};

/// A program with a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// The server.
    Distributexd,
    /// The wrapper.
    Distributex,
    /// The operator's tool.
    Distributexctl,
}

impl Program {
    /// All programs.
    pub(super) const ALL: [Self; 3] = [Self::Distributexd, Self::Distributex, Self::Distributexctl];

    /// Names of all programs.
    pub(super) const NAMES: &'static [&'static str] = &["distributexd", "distributex", "distributexctl"];

    /// The manual page, for man(1).
    pub(super) fn manual(self) -> String {
        page::page(&self.app(), if self == Self::Distributexd { "8" } else { "1" })
    }

    /// The completion script for a shell without one in `complete/scripts.rs`.
    pub(super) fn completions(self, shell: Shell) -> String {
        let mut text = Vec::new();
        self.app().gen_completions_to(self.name(), shell, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Distributexd => "distributexd",
            Self::Distributex => "distributex",
            Self::Distributexctl => "distributexctl",
        }
    }

    /// The command-line definition.
    pub(super) fn app(self) -> App<'static, 'static> {
        match self {
            Self::Distributexd => server::options::ServerOptions::clap(),
            Self::Distributex => wrapper::command_line(),
            Self::Distributexctl => CtlArguments::clap(),
        }
    }
}

impl FromStr for Program {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|program| program.name() == text);
        named.ok_or("write distributexd, distributex or distributexctl")
    }
}
