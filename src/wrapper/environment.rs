//! Options from the environment: `DISTRIBUTEX_WAIT=60` means `--wait 60`. The command line takes precedence.

use std::ffi::{OsStr, OsString};

use structopt::clap::{App, ArgMatches, Error, ErrorKind};

/// Prefix of the variables; the rest is the option's name.
const PREFIX: &str = "DISTRIBUTEX_";
/// Options with a value.
const VALUES: [&str; 13] = [
    "server",
    "resource",
    "port",
    "lock-file",
    "wait",
    "ttl",
    "conflict-exit-code",
    "host",
    "command-note",
    "status-file",
    "kill-after",
    "max-run",
    "on-lost",
];
/// Options without a value.
const FLAGS: [&str; 4] = ["lock", "nonblock", "no-wait-group", "verbose"];

/// Options from the environment, as words to insert before those of the command line.
pub(super) struct WrapperEnvironment<'a> {
    /// Reads a variable.
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The option definitions.
    pub(super) app: &'a dyn Fn() -> App<'static, 'static>,
    /// The parsed command line.
    pub(super) given: &'a ArgMatches<'static>,
}

impl WrapperEnvironment<'_> {
    /// The words.
    ///
    /// # Errors
    /// An invalid value; the message names the variable.
    pub(super) fn words(&self) -> Result<Vec<OsString>, Error> {
        let mut words = Vec::new();
        for option in VALUES {
            words.extend(self.value(option)?);
        }
        for option in FLAGS {
            words.extend(self.flag(option)?);
        }
        if ["wait", "nonblock"].iter().all(|option| words.iter().any(|word| is_for(word, option))) {
            let text = format!("{PREFIX}WAIT and {PREFIX}NONBLOCK are both set; unset one of them");
            return Err(Error::with_description(&text, ErrorKind::ArgumentConflict));
        }
        Ok(words)
    }

    fn value(&self, option: &str) -> Result<Option<OsString>, Error> {
        let Some((name, value)) = self.read(option) else { return Ok(None) };
        let mut word = OsString::from(format!("--{option}="));
        word.push(&value);
        let line = [OsStr::new("distributex"), &word, OsStr::new("true")];
        match (self.app)().get_matches_from_safe(line) {
            Ok(_) => Ok(Some(word)),
            Err(error) => {
                let why = error.message.lines().next().unwrap_or_default().trim_start_matches("error: ");
                Err(wrong(&format!("{name}={value:?} in the environment: {why}")))
            }
        }
    }

    fn flag(&self, option: &str) -> Result<Option<OsString>, Error> {
        let Some((name, value)) = self.read(option) else { return Ok(None) };
        match value.to_str() {
            Some("1" | "true" | "yes") => Ok(Some(format!("--{option}").into())),
            Some("0" | "false" | "no") => Ok(None),
            _ => Err(wrong(&format!(
                "{name}={value:?} in the environment: must be 1, true or yes, or 0, false or no"
            ))),
        }
    }

    /// The variable of an option, unless it is empty or the command line sets the option.
    fn read(&self, option: &str) -> Option<(String, OsString)> {
        let rivals: &[&str] = match option {
            "wait" | "nonblock" => &["wait", "nonblock"],
            other => &[other],
        };
        if rivals.iter().any(|rival| self.given.occurrences_of(rival) > 0) {
            return None;
        }
        let name = format!("{PREFIX}{}", option.to_uppercase().replace('-', "_"));
        (self.variable)(&name).filter(|value| !value.is_empty()).map(|value| (name, value))
    }
}

fn is_for(word: &OsStr, option: &str) -> bool {
    let word = word.to_string_lossy();
    word.strip_prefix("--").and_then(|word| word.split('=').next()) == Some(option)
}

fn wrong(sentence: &str) -> Error {
    Error::with_description(sentence, ErrorKind::ValueValidation)
}
