//! Tables of options, keys and exit statuses, compared with `--help` and the configuration.

use std::{collections::BTreeSet, process::Command};

use distributex_config::{ADMIN_KEYS, KEYS, LIMIT_KEYS, MEMCACHE_KEYS, POOL_KEYS};

use super::blocks::{document, documents};
use crate::wrapper::run::ended;

/// A set of words.
pub(super) type Words = BTreeSet<String>;

/// The programs, each with the page that documents it.
const PROGRAMS: [(&str, &str); 3] = [
    ("docs/wrapper.md", env!("CARGO_BIN_EXE_distributex")),
    ("docs/operations.md", env!("CARGO_BIN_EXE_distributexctl")),
    ("docs/configuration.md", env!("CARGO_BIN_EXE_distributexd")),
];

/// The rows of all tables of a document, each as its cells.
pub(super) fn rows(path: &str) -> Vec<Vec<String>> {
    let text = document(path).replace("\\|", "\u{0}");
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let cells =
        |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
    rows.map(cells).collect()
}

/// Words in backticks.
pub(super) fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Words in backticks of the first cells of all rows that `belongs` accepts.
pub(super) fn first_cells(path: &str, belongs: impl Fn(&str) -> bool) -> Words {
    let cells = rows(path).into_iter().map(|row| row[0].clone());
    let words = cells.flat_map(|cell| quoted(&cell).into_iter().map(str::to_owned).collect::<Vec<_>>());
    words.filter(|word| belongs(word)).collect()
}

/// The long options that a text lists: at the start of a word, without their values.
fn long_options(text: &str) -> Words {
    let words = text.split([' ', ',', '`', '\n']).filter(|word| word.starts_with("--") && word.len() > 2);
    words.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-').to_owned()).collect()
}

/// The long options in the lists of `--help`.
fn options_of(program: &str, args: &[&str]) -> Words {
    let (status, help, _) = ended(Command::new(program).args(args).arg("--help"));
    assert_eq!(status, 0);
    let lists = help.split("\n\n").filter(|part| part.starts_with("FLAGS:") || part.starts_with("OPTIONS:"));
    let lines = lists.flat_map(str::lines).map(|line| line.trim_start());
    let options = lines.filter(|line| line.starts_with('-')).flat_map(|line| {
        let switches = line.split("  ").next().unwrap_or_default();
        long_options(&switches.replace(" <", "\n<"))
    });
    options.map(|option| option.split('<').next().unwrap().trim_end_matches("...").to_owned()).collect()
}

/// The long options in the option tables of a document.
fn documented_options(path: &str) -> Words {
    first_cells(path, |word| word.starts_with("--"))
        .iter()
        .map(|word| word.split(' ').next().unwrap().to_owned())
        .collect()
}

#[test]
fn option_tables_list_the_options_of_help() {
    let wrapper = options_of(env!("CARGO_BIN_EXE_distributex"), &[]);
    assert_eq!(documented_options("docs/wrapper.md"), wrapper);

    let server = options_of(env!("CARGO_BIN_EXE_distributexd"), &[]);
    assert_eq!(documented_options("docs/configuration.md"), server);

    let ctl = env!("CARGO_BIN_EXE_distributexctl");
    let mut tool = options_of(ctl, &[]);
    for command in commands() {
        tool.extend(options_of(ctl, &[&command]));
    }
    let common = ["--help", "--version"].map(str::to_owned).into();
    assert_eq!(documented_options("docs/operations.md"), &tool - &common);
}

/// The commands of the operator's tool.
fn commands() -> Vec<String> {
    let (_, help, _) = ended(Command::new(env!("CARGO_BIN_EXE_distributexctl")).arg("--help"));
    let list = help.split("SUBCOMMANDS:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("    ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

/// Long options with their defaults, as `--help` lists them: defaults of one word only.
fn defaults_of(program: &str) -> Vec<(String, String)> {
    let (_, help, _) = ended(Command::new(program).arg("--help"));
    let options = help.split("\n\n").find(|part| part.starts_with("OPTIONS:")).unwrap();
    let mut entries: Vec<String> = Vec::new();
    for line in options.lines().skip(1) {
        let text = line.trim_start();
        match entries.last_mut().filter(|_| line.len() - text.len() > 8) {
            Some(entry) => *entry = format!("{entry} {text}"),
            None => entries.push(text.to_owned()),
        }
    }
    let read = |entry: &String| {
        let option = entry.split([' ', ',']).find(|word| word.starts_with("--"))?.to_owned();
        let default = entry.split_once("[default: ")?.1.split_once(']')?.0.to_owned();
        (!default.contains(' ')).then_some((option, default))
    };
    entries.iter().filter_map(read).collect()
}

#[test]
fn option_tables_have_the_defaults_of_help() {
    for (path, program) in PROGRAMS {
        let rows = rows(path);
        let defaults = defaults_of(program);
        assert!(defaults.len() > 2, "{program}: {defaults:?}");
        for (option, default) in defaults {
            let is_its = |row: &&Vec<String>| {
                quoted(&row[0]).iter().any(|word| word.split(' ').any(|word| word == option))
            };
            let row = rows.iter().find(is_its).unwrap();
            assert!(
                row.iter().any(|cell| cell.trim_matches('`') == default),
                "{path}: {option} has {default}"
            );
        }
    }
}

#[test]
fn every_command_of_the_tool_is_documented() {
    let first = |word: &str| word.split(' ').next().unwrap().to_owned();
    let documented: Words =
        first_cells("docs/operations.md", |_| true).iter().map(|word| first(word)).collect();

    for command in commands() {
        assert!(documented.contains(&command), "{command}");
    }
}

#[test]
fn every_table_of_options_or_keys_has_defaults() {
    for path in documents() {
        for row in rows(&path) {
            let is_head = ["option", "key", "field"].contains(&row[0].as_str()) && row.len() > 2;
            assert!(!is_head || row.iter().any(|cell| cell == "default"), "{path}: {row:?}");
        }
    }
}

#[test]
fn configuration_keys_are_in_the_table_and_the_samples() {
    let keys = KEYS.iter().chain(&POOL_KEYS).chain(&LIMIT_KEYS).chain(&MEMCACHE_KEYS);
    let documented = first_cells("docs/configuration.md", |_| true);
    let samples = document("config/distributex.yaml") + &document("config/memcache.yaml");

    for key in keys {
        assert!(documented.contains(*key), "docs/configuration.md: {key}");
        assert!(samples.contains(&format!("{key}:")), "samples: {key}");
    }
    for key in ADMIN_KEYS {
        assert!(samples.contains(&format!("{key}:")), "samples: {key}");
    }
}

#[test]
fn configuration_keys_have_the_defaults_of_the_samples() {
    let samples = document("config/distributex.yaml") + &document("config/memcache.yaml");
    let sentences = samples.replace("\n    #", "").replace("\n#", "");
    let mut compared = 0;
    for row in rows("docs/configuration.md").iter().filter(|row| row.len() == 3) {
        let default = row[1].trim_matches('`');
        let is_number =
            !default.is_empty() && default.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let key = quoted(&row[0]).first().copied().unwrap_or_default();
        let explained =
            sentences.split(&format!(" {key}: ")).nth(1).and_then(|text| text.split_once("Default: "));
        let Some((_, stated)) = explained.filter(|(before, _)| is_number && !before.contains('\n')) else {
            continue;
        };
        assert!(stated.starts_with(&format!("{default}.")), "{key}: {default} or {stated:.20}?");
        compared += 1;
    }
    assert!(compared > 10, "{compared}");
}

/// The statuses in the first cells of a document's tables.
fn documented_statuses(path: &str) -> BTreeSet<u8> {
    let cells = rows(path).into_iter().map(|row| row[0].clone());
    cells.flat_map(|cell| cell.split(", ").filter_map(|word| word.parse().ok()).collect::<Vec<_>>()).collect()
}

#[test]
fn exit_statuses_are_those_of_help() {
    for (path, program) in PROGRAMS {
        let (_, help, _) = ended(Command::new(program).arg("--help"));
        let list = help.split("EXIT STATUS:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let statuses = list.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok());

        assert_eq!(documented_statuses(path), statuses.collect(), "{path}");
    }
}

#[test]
fn exit_statuses_are_those_of_the_code() {
    let code = document("src/program/exit_status.rs");
    let constants = code.lines().filter_map(|line| line.strip_prefix("pub(crate) const ")?.strip_suffix(';'));
    let mut statuses: BTreeSet<u8> =
        constants.map(|line| line.split(" = ").nth(1).unwrap().parse().unwrap()).collect();
    statuses.extend([0, 70]); // success, and a pool that panicked

    let documented = PROGRAMS.iter().flat_map(|(path, _)| documented_statuses(path));

    assert_eq!(documented.collect::<BTreeSet<_>>(), statuses);
}
