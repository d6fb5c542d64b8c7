//! Manual pages and completions, as man and a shell read them.

use std::process::Command;

use crate::{support::file_with, wrapper::run::ended};

const PROGRAMS: [(&str, &str); 3] = [
    ("distributexd", env!("CARGO_BIN_EXE_distributexd")),
    ("distributex", env!("CARGO_BIN_EXE_distributex")),
    ("distributexctl", env!("CARGO_BIN_EXE_distributexctl")),
];

fn printed(args: &[&str]) -> String {
    let (code, text, said) = ended(Command::new(env!("CARGO_BIN_EXE_distributexctl")).args(args));
    assert_eq!((code, said.as_str()), (0, ""), "{args:?}");
    text
}

/// Every long option that stands in a text.
fn long_options(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || ",;:()[]'`=".contains(c));
    let options = words.filter(|word| word.starts_with("--") && word.len() > 2);
    options.map(|word| word.trim_end_matches('.').to_owned()).collect()
}

#[test]
fn a_page_names_every_option_that_the_help_names() {
    for (name, program) in PROGRAMS {
        let mut page = printed(&["man", name]).replace("\\-", "-");
        for markup in ["\\fR", "\\fB", "\\*(Aq"] {
            page = page.replace(markup, " ");
        }
        let mut helps = vec![ended(Command::new(program).arg("--help")).1];
        if name == "distributexctl" {
            let (_, commands) = helps[0].split_once("SUBCOMMANDS:\n").unwrap();
            let lines = commands.lines().take_while(|line| !line.is_empty());
            let commands =
                lines.filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.starts_with(' '));
            let commands: Vec<_> = commands.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
            assert!(commands.len() > 5, "{commands:?}");
            helps.extend(
                commands
                    .iter()
                    .filter(|command| *command != "help")
                    .map(|command| printed(&[command, "--help"])),
            );
        }
        let named = long_options(&page);
        for option in helps.iter().flat_map(|help| long_options(help)) {
            assert!(named.contains(&option), "{name}: {option}");
        }
        for part in ["SYNOPSIS", "OPTIONS", "EXAMPLES", "EXIT STATUS"] {
            assert!(
                page.contains(&format!("\n.SH \"{part}\"\n")) || page.contains(&format!("\n.SH {part}\n"))
            );
        }
    }
}

#[test]
fn man_finds_nothing_wrong_with_a_page() {
    if Command::new("groff").arg("--version").output().is_err() {
        return; // it is not installed here
    }
    for (name, _) in PROGRAMS {
        let page = file_with(&printed(&["man", name]));
        let mut groff = Command::new("groff");
        let (code, shown, said) = ended(groff.args(["-man", "-ww", "-Tutf8", "-Kutf8"]).arg(page));
        assert_eq!((code, said.as_str()), (0, ""), "{name}");
        assert!(shown.contains(env!("CARGO_PKG_VERSION")), "{shown}");
    }
}

#[test]
fn every_shell_there_is_has_completions_of_every_program() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        for (name, _) in PROGRAMS {
            assert!(printed(&["completions", shell, name]).contains(name), "{shell} {name}");
        }
    }
    let (code, _, said) = ended(Command::new(PROGRAMS[2].1).args(["completions", "tcsh"]));
    assert!(code == 64 && said.contains("fish"), "{said}");
}
