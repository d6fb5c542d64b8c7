//! Completions, as a person at a real bash gets them.

use std::{net::SocketAddr, path::Path, process::Command};

use super::acquired;
use crate::{
    fake::Port,
    support::{Server, file_with},
    wrapper::{pty::Terminal, run::ended},
};

const CTL: &str = env!("CARGO_BIN_EXE_distributexctl");

/// A path with the programs in it.
fn path() -> String {
    format!("{}:{}", Path::new(CTL).parent().unwrap().display(), std::env::var("PATH").unwrap())
}

/// What bash finds for a line whose last word it takes for this one.
fn found(line: &str, word: &str) -> Vec<String> {
    let script = file_with(&ended(Command::new(CTL).args(["completions", "bash"])).1);
    let complete = "source \"$0\"; COMP_LINE=$1; COMP_POINT=${#1}; _distributex \"${1%% *}\" \"$2\"; \
                    (( ${#COMPREPLY[@]} )) && printf '%s\\n' \"${COMPREPLY[@]}\"; complete -p";
    let mut bash = Command::new("bash");
    let (_, words, said) =
        ended(bash.args(["-c", complete]).arg(script).args([line, word]).env("PATH", path()));
    assert_eq!(said, "", "{line}");
    let (words, registered) = words.split_once("complete ").unwrap();
    assert_eq!(registered.matches("-F _distributex").count(), 3, "all programs are completed");
    words.lines().map(str::to_owned).collect()
}

/// The options that name this server.
fn at(addr: SocketAddr) -> String {
    format!("-H {addr}")
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(found("distributexctl sta", "sta"), ["status"]);
    assert_eq!(found("distributexctl --color ", ""), ["auto", "always", "never"]);
    assert_eq!(found("distributexctl status --color=a", "a"), ["auto", "always"]);
    assert_eq!(found("distributex --on-lost k", "k"), ["kill"]);
    assert_eq!(found("distributexctl completions f", "f"), ["fish"]);
    assert_eq!(found("distributexd --work", "--work"), ["--workers"]);
    assert!(found("distributex -H a -r p bas", "bas").contains(&"bash".to_owned()));
    assert!(found("distributex --lock-file /et", "/et").contains(&"/etc".to_owned()));
}

#[test]
fn bash_completes_what_the_server_knows() {
    let server = Server::start("pools: [{name: p}, {name: p:1}, {name: two words}, {name: zfs}]");
    acquired(&server, "web7");
    let _waiter = server.waiting("web9", "p");
    let at = at(server.addr);
    let token = super::state(&server)["holders"][0]["token"].to_string();

    assert_eq!(found(&format!("distributexctl {at} why "), ""), ["p", "p:1", "two\\ words", "zfs"]);
    assert_eq!(found(&format!("distributexctl {at} why p:"), ""), ["1"]);
    assert_eq!(found(&format!("distributex {at} -r z"), "z"), ["zfs"]);
    assert_eq!(found(&format!("distributexctl {at} revoke p "), ""), [token]);
    assert_eq!(found(&format!("distributexctl {at} revoke p --host "), ""), ["web7"]);
    assert_eq!(found(&format!("distributexctl {at} promote p "), ""), ["1"]);
}

#[test]
fn without_a_server_nothing_is_completed_and_nothing_said() {
    let nobody = Port::take();

    assert_eq!(found(&format!("distributexctl {} why ", at(nobody.addr())), ""), [""; 0]);
}

#[test]
fn the_tab_key_completes_a_pool() {
    let server = Server::start("pools: [{name: deploy}]");
    let script = file_with(&ended(Command::new(CTL).args(["completions", "bash"])).1);
    let mut terminal = Terminal::start();
    terminal.types(&format!("PATH={}; source {}\n", path(), script.display()));
    terminal.sees("READY>");

    terminal.types(&format!("distributexctl {} why d\t\n", at(server.addr)));

    terminal.sees("The slot of deploy is free.");
}
