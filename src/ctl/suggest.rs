//! What somebody may have meant who wrote a command that there is not.

use std::ffi::OsString;

use structopt::{
    StructOpt as _,
    clap::{App, AppSettings, Error, ErrorKind},
};

use super::{arguments::CtlArguments, format::clean};

/// Words with more differences are other words.
const MAX_TYPOS: usize = 2;

/// Says of a word in the place of a command that it is none, and which is like it. The parser calls it an argument.
pub(super) fn command(mut error: Error, line: &[OsString]) -> Error {
    let shown = |command: &&App<'_, '_>| !command.p.is_set(AppSettings::Hidden);
    let app = CtlArguments::clap();
    let known: Vec<_> =
        app.p.subcommands.iter().filter(shown).map(|command| command.p.meta.name.clone()).collect();
    let is_known = |word: &OsString| known.iter().any(|name| name.as_str() == word);
    let Some([word, ..]) = error.info.as_deref() else { return error };
    if error.kind != ErrorKind::UnknownArgument || word.starts_with('-') || line.iter().skip(1).any(is_known)
    {
        return error;
    }
    let like = known.iter().filter(|name| name.starts_with(word.as_str()) || typos(name, word) <= MAX_TYPOS);
    let hint = match like.min_by_key(|name| typos(name, word)) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("there are {}", known.join(", ")),
    };
    error.message = format!("error: no such command \"{}\"; {hint}", clean(word));
    error
}

fn typos(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(one, other)
}
