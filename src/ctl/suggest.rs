//! Error for an unknown command, with the one that was probably meant.

use std::ffi::OsString;

use structopt::{
    StructOpt as _,
    clap::{App, AppSettings, Error, ErrorKind},
};

use super::{arguments::CtlArguments, format::clean};

/// Maximum edit distance of a suggestion.
const MAX_TYPOS: usize = 2;

/// Former names of commands.
const FORMER: [(&str, &str); 2] = [("front", "promote"), ("remove", "evict")];

/// Turns the parser's error about an unknown argument in the place of a command into one that suggests a command.
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
    let hint = hint(word, &known);
    error.message = format!("error: no such command \"{}\"; {hint}", clean(word));
    error
}

fn hint(word: &str, known: &[String]) -> String {
    if let Some((_, now)) = FORMER.iter().find(|(former, _)| *former == word) {
        return format!("its name is now \"{now}\"");
    }
    let similar = known.iter().filter(|name| name.starts_with(word) || typos(name, word) <= MAX_TYPOS);
    match similar.min_by_key(|name| typos(name, word)) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("the commands are {}", known.join(", ")),
    }
}

fn typos(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(one, other)
}
