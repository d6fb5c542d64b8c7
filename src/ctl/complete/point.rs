//! Determines what can follow on a command line, from the parser's definitions.

use structopt::clap::{App, AppSettings, ArgSettings};

/// Kind of word that can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// One of these words, each with its description.
    Words(Vec<(String, String)>),
    /// A word known to the server.
    Known(Known),
    /// A file.
    File,
    /// A command of the system.
    Command,
}

/// Kind of word known to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Names of pools.
    Pools,
    /// Tokens of the pool's leases.
    Tokens,
    /// Hosts that hold a slot of the pool.
    Holders,
    /// Tickets of the pool's waiters.
    Tickets,
}

/// The end of an incomplete command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// Kind of word that can follow.
    pub(super) expected: Expected,
    /// The incomplete word.
    pub(super) begun: String,
    /// Values of the options `server`, `port` and `socket` before it.
    pub(super) options: Vec<(&'static str, String)>,
    /// The first argument of the command: a pool, if it takes one.
    pub(super) pool: Option<String>,
}

/// Reads a command line without the program's name; the last word is incomplete.
pub(super) fn point(app: &App<'static, 'static>, words: &[String]) -> Point {
    let (begun, before) =
        words.split_last().map_or((String::new(), words), |(last, all)| (last.clone(), all));
    let mut reader = Reader {
        root: app,
        command: app,
        arguments: Vec::new(),
        options: Vec::new(),
        open: None,
        rest: false,
    };
    for word in before {
        reader.read(word);
    }
    let (option, value) =
        begun.split_once('=').filter(|(option, _)| option.starts_with("--")).unwrap_or(("", ""));
    let (expected, begun) = match &reader.open {
        Some(open) => (open.expected.clone(), begun),
        None if !option.is_empty() && !reader.rest => {
            let takes = reader.option(option.trim_start_matches('-'));
            (takes.map_or(Expected::Words(Vec::new()), |option| option.expected), value.to_owned())
        }
        None => (reader.next(&begun), begun),
    };
    Point { expected, begun, options: reader.options, pool: reader.arguments.into_iter().next() }
}

/// An option with a value.
#[derive(Debug)]
struct Taker {
    name: &'static str,
    expected: Expected,
}

/// Reader of a command line, word by word.
struct Reader<'a> {
    /// The program.
    root: &'a App<'static, 'static>,
    /// The command, or the program until the command is known.
    command: &'a App<'static, 'static>,
    /// Positional arguments.
    arguments: Vec<String>,
    /// Values of options that name a server.
    options: Vec<(&'static str, String)>,
    /// The option whose value is next.
    open: Option<Taker>,
    /// Whether no more options follow.
    rest: bool,
}

impl Reader<'_> {
    fn read(&mut self, word: &str) {
        if let Some(open) = self.open.take() {
            self.options.push((open.name, word.to_owned()));
        } else if self.rest || !word.starts_with('-') || word == "-" {
            self.argument(word);
        } else if word == "--" {
            self.rest = true;
        } else if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=') {
                Some((name, value)) => {
                    let option = self.option(name);
                    self.options.extend(option.map(|option| (option.name, value.to_owned())));
                }
                None => self.open = self.option(long),
            }
        } else {
            self.letters(&word[1..]);
        }
    }

    fn argument(&mut self, word: &str) {
        let command = self.command.p.subcommands.iter().find(|command| command.p.meta.name == word);
        match command {
            Some(command) if self.arguments.is_empty() => self.command = command,
            Some(_) | None => {
                self.rest |= self.command.p.is_set(AppSettings::TrailingVarArg); // the rest is the command line of another program
                self.arguments.push(word.to_owned());
            }
        }
    }

    /// Short options: the first with a value takes the rest of the word, or the next word.
    fn letters(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let Some(option) = self.option(&letter.to_string()) else { continue };
            match &letters[at + letter.len_utf8()..] {
                "" => self.open = Some(option),
                value => self.options.push((option.name, value.to_owned())),
            }
            return;
        }
    }

    /// The option with this name or letter, if it takes a value.
    fn option(&self, name: &str) -> Option<Taker> {
        let is = |short: Option<char>, long: Option<&str>| {
            long == Some(name) || short.is_some_and(|short| name.chars().eq([short]))
        };
        let mut options = [self.command, self.root].into_iter().flat_map(|app| &app.p.opts);
        let option = options.find(|option| is(option.s.short, option.s.long))?;
        let name = match option.s.long {
            Some("server") => "server",
            Some("port") => "port",
            Some("socket") => "socket",
            Some(_) | None => "",
        };
        let value = option.v.val_names.iter().flat_map(|names| names.values()).next().copied();
        Some(Taker { name, expected: expected(value.unwrap_or_default(), option.v.possible_vals.as_deref()) })
    }

    /// What can follow, unless the value of an option is missing.
    fn next(&self, begun: &str) -> Expected {
        if begun.starts_with('-') && !self.rest {
            return Expected::Words(self.options());
        }
        let shown = |app: &&App<'static, 'static>| !app.p.is_set(AppSettings::Hidden);
        if !self.command.p.subcommands.is_empty() {
            let commands = self.command.p.subcommands.iter().filter(shown);
            let word = |app: &App<'static, 'static>| {
                (app.p.meta.name.clone(), app.p.meta.about.unwrap_or_default().to_owned())
            };
            return Expected::Words(commands.map(word).collect());
        }
        let arguments: Vec<_> = self.command.p.positionals.values().collect();
        let number = self.arguments.len();
        let Some(argument) = arguments.get(number).or(arguments.last()) else {
            return Expected::Words(Vec::new());
        };
        if number >= arguments.len() && !argument.b.settings.is_set(ArgSettings::Multiple) {
            return Expected::Words(Vec::new());
        }
        let value = argument.v.val_names.iter().flat_map(|names| names.values()).next().copied();
        match expected(value.unwrap_or(argument.b.name), argument.v.possible_vals.as_deref()) {
            Expected::Command if number > 0 => Expected::File,
            expected @ (Expected::Words(_) | Expected::Known(_) | Expected::File | Expected::Command) => {
                expected
            }
        }
    }

    fn options(&self) -> Vec<(String, String)> {
        let mut words = Vec::new();
        for app in [self.command, self.root] {
            let options = app.p.opts.iter().map(|option| (&option.b, &option.s));
            let flags = app.p.flags.iter().map(|flag| (&flag.b, &flag.s));
            for (base, switch) in
                options.chain(flags).filter(|(base, _)| !base.settings.is_set(ArgSettings::Hidden))
            {
                let word = format!("--{}", switch.long.unwrap_or_default());
                words.push((word, base.help.unwrap_or_default().to_owned()));
            }
        }
        words.push(("--help".to_owned(), "Print help".to_owned()));
        words.sort();
        words.dedup();
        words
    }
}

/// Kind of value, by its name in the help.
fn expected(name: &str, possible: Option<&[&str]>) -> Expected {
    match (possible, name) {
        (Some(possible), _) => plain(possible.iter().copied()),
        (None, "POOL") => Expected::Known(Known::Pools),
        (None, "TOKEN") => Expected::Known(Known::Tokens),
        (None, "HOST") => Expected::Known(Known::Holders),
        (None, "TICKET") => Expected::Known(Known::Tickets),
        (None, "FILE" | "PATH") => Expected::File,
        (None, "COMMAND") => Expected::Command,
        (None, name) if name.contains('|') => plain(name.split('|')),
        (None, _) => Expected::Words(Vec::new()),
    }
}

/// Words without descriptions.
fn plain<'a>(words: impl Iterator<Item = &'a str>) -> Expected {
    Expected::Words(words.map(|word| (word.to_owned(), String::new())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::Program;

    /// The end of this line.
    fn at(program: Program, line: &str) -> Point {
        point(&program.app(), &super::super::line::words(&format!("program {line}")))
    }

    /// The words that can complete this line.
    fn words(program: Program, line: &str) -> Vec<String> {
        let point = at(program, line);
        let Expected::Words(words) = point.expected else { panic!("{line}: {point:?}") };
        words.into_iter().map(|(word, _)| word).filter(|word| word.starts_with(&point.begun)).collect()
    }

    #[test]
    fn commands_options_and_their_values_are_known() {
        let ctl = |line| words(Program::Distributexctl, line);

        assert_eq!(ctl("sta"), ["status"]);
        assert_eq!(ctl("-H locks status --w"), ["--watch"]);
        assert_eq!(ctl("--color a"), ["auto", "always"]);
        assert_eq!(ctl("status --color=n"), ["never"]);
        assert_eq!(ctl("completions z"), ["zsh"]);
        assert_eq!(ctl("man distributexc"), ["distributexctl"]);
        assert!(!ctl("").contains(&"complete".to_owned()), "it is for scripts");
        assert_eq!(words(Program::Distributex, "--on-lost "), ["term", "kill", "warn"]);
        assert_eq!(words(Program::Distributexd, "-c x --ch"), ["--check"]);
    }

    #[test]
    fn arguments_known_to_the_server_are_recognized() {
        let known = |program, line: &str| {
            let expected = at(program, line).expected;
            let Expected::Known(known) = expected else { panic!("{line}: {expected:?}") };
            known
        };
        let ctl = |line| known(Program::Distributexctl, line);

        assert_eq!(["why ", "status -W ", "events a b ", "acquire -n "].map(ctl), [Known::Pools; 4]);
        assert_eq!(
            [ctl("revoke p "), ctl("promote -v p 12"), ctl("revoke p --host ")],
            [Known::Tokens, Known::Tickets, Known::Holders]
        );
        assert_eq!(known(Program::Distributex, "-nH a,b -r p"), Known::Pools);
        assert_eq!(known(Program::Distributex, "--resource="), Known::Pools);
        assert_eq!(at(Program::Distributexctl, "why p ").expected, Expected::Words(vec![]));
        let point = at(Program::Distributexctl, "-Hlocks:9 -p 77 --socket=/s promote deploy ");
        assert_eq!(point.pool.as_deref(), Some("deploy"));
        assert_eq!(
            point.options,
            [("server", "locks:9"), ("port", "77"), ("socket", "/s")]
                .map(|(name, said)| (name, said.to_owned()))
        );
    }

    #[test]
    fn a_command_follows_the_wrappers_options() {
        let expected = |line| at(Program::Distributex, line).expected;

        assert_eq!(
            [expected("-H a -r p l"), expected("-H a -r p -- -")],
            [Expected::Command, Expected::Command]
        );
        assert_eq!(
            [expected("-r p ls -"), expected("--lock-file "), expected("-l -r p cat x")],
            [Expected::File, Expected::File, Expected::File]
        );
    }
}
