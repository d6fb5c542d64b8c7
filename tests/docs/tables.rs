//! Tables of the documents, compared with what the programs say of themselves.

use std::{collections::BTreeSet, process::Command};

use distributex_config::{ADMIN_KEYS, KEYS, LIMIT_KEYS, MEMCACHE_KEYS, POOL_KEYS};
use distributex_protocol::{error::ErrorKind, event::EventName};

use super::blocks::{document, documents};
use crate::{
    support::{ONE_SLOT, Server},
    wrapper::run::{ended, folder},
};

type Words = BTreeSet<String>;

/// The rows of all tables of a document, each as its cells.
fn rows(path: &str) -> Vec<Vec<String>> {
    let text = document(path).replace("\\|", "\u{0}");
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let cells =
        |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
    rows.map(cells).collect()
}

/// Words in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Words in backticks of the first cells of all rows that `belongs` accepts.
fn first_cells(path: &str, belongs: impl Fn(&str) -> bool) -> Words {
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
fn metrics_are_those_of_the_server() {
    let state = format!("state_dir: {}\n{ONE_SLOT}", folder().join("state").display());
    let server = Server::start(&state);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    assert_eq!(server.word("/get?host=bob&pool=pool1"), "NO");
    let own = |name: &&str| name.starts_with("distributex_");
    let (_, text) = server.get("/metrics");
    let served: Words = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(own)
        .map(str::to_owned)
        .collect();

    let documented = first_cells("docs/monitoring.md", |word| word.starts_with("distributex_"));

    assert_eq!(documented, served);
}

#[test]
fn events_are_those_of_the_protocol() {
    let words: Words = EventName::ALL.iter().map(|name| name.word().to_owned()).collect();
    let documented =
        first_cells("docs/monitoring.md", |word| !word.starts_with("distributex_") && !word.starts_with('/'));

    assert_eq!(documented, words);
}

#[test]
fn error_kinds_are_those_of_the_protocol() {
    let kinds: Words =
        ErrorKind::ALL.iter().map(|kind| kind.word().to_owned()).filter(|word| !word.is_empty()).collect();
    let cells =
        rows("docs/http-api.md").into_iter().filter(|row| row[0].starts_with(|c: char| c.is_ascii_digit()));
    let documented: Words =
        cells.flat_map(|row| quoted(&row[1]).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect();

    assert_eq!(documented, kinds);
}

#[test]
fn exit_statuses_are_those_of_help() {
    for (path, program) in [
        ("docs/wrapper.md", env!("CARGO_BIN_EXE_distributex")),
        ("docs/operations.md", env!("CARGO_BIN_EXE_distributexctl")),
        ("docs/configuration.md", env!("CARGO_BIN_EXE_distributexd")),
    ] {
        let (_, help, _) = ended(Command::new(program).arg("--help"));
        let list = help.split("EXIT STATUS:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let number = |word: &str| word.parse::<u8>().ok();
        let taught: BTreeSet<_> =
            list.lines().filter_map(|line| number(line.split_whitespace().next()?)).collect();
        let cells = rows(path).into_iter().map(|row| row[0].clone());
        let documented: BTreeSet<_> =
            cells.flat_map(|cell| cell.split(", ").filter_map(number).collect::<Vec<_>>()).collect();

        assert_eq!(documented, taught, "{path}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in documents() {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = document(&path);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if file.starts_with("http") {
                continue;
            }
            let linked = if file.is_empty() { path.clone() } else { resolved(folder, file) };
            let full = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&linked);
            assert!(full.exists(), "{path} links to {linked}");
            if !anchor.is_empty() {
                let headings = document(&linked);
                let is_there =
                    headings.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor);
                assert!(is_there, "{path} links to {linked}#{anchor}");
            }
        }
    }
}

/// A path relative to a folder of the repository.
fn resolved(folder: &str, file: &str) -> String {
    match file.strip_prefix("../") {
        Some(file) => file.to_owned(),
        None if folder.is_empty() => file.to_owned(),
        None => format!("{folder}/{file}"),
    }
}

/// The anchor of a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn paths_in_the_architecture_exist() {
    let text = document("docs/architecture.md");
    let roots = ["src/", "actors/", "clients/", "config/", "protocol/", "tests/", "benches/", "docs/"];
    let paths: Vec<_> =
        quoted(&text).into_iter().filter(|word| roots.iter().any(|root| word.starts_with(root))).collect();

    assert!(paths.len() > 50, "{paths:?}");
    for path in paths {
        assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "{path}");
    }
}
