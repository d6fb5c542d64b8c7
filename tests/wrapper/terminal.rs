//! Job control, with a real shell on a real terminal.

use super::{ONE_SLOT, pty::Terminal};
use crate::support::{Server, file_with};

#[test]
fn ctrl_c_reaches_the_command_and_the_shell_gets_its_terminal_back() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
    terminal.runs(server.addr, "'echo started; exec sleep 60'");

    terminal.types("\x03");

    assert_eq!(terminal.status(), "130");
    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
}

#[test]
fn a_script_ends_with_the_command_that_was_interrupted() {
    for rest in ["", "| cat"] {
        let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
        let program = env!("CARGO_BIN_EXE_distributex");
        let run =
            format!("{program} -H {} -r p --host web1 'echo started; exec sleep 60' {rest}", server.addr);
        let script = file_with(&format!("{run}\necho NEXT RUNS"));
        terminal.types(&format!("bash {}\n", script.display()));
        terminal.sees("\nstarted");

        terminal.types("\x03");

        let shown = terminal.sees("READY>");
        assert!(!shown.contains("NEXT RUNS"), "{rest}: {shown}");
        assert_eq!(server.get("/get?host=other&pool=p").1, "YES", "{rest}");
    }
}

#[test]
fn a_script_ends_with_the_waiting_that_was_interrupted() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
    server.get("/get?host=other&pool=p");
    let program = env!("CARGO_BIN_EXE_distributex");
    let line = format!("{program} -v -H {} -r p --host web1 true\necho NEXT RUNS", server.addr);
    let script = file_with(&line);
    terminal.types(&format!("bash {}\n", script.display()));
    terminal.sees("requesting");

    terminal.types("\x03");

    let shown = terminal.sees("READY>");
    assert!(!shown.contains("NEXT RUNS"), "{shown}");
}

#[test]
fn the_command_has_the_foreground() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
    // Fields of stat: the process group, and the group in the terminal's foreground, from the first moment on.
    terminal.runs(server.addr, "'read_it=$(cut -d \" \" -f 5,8 /proc/$$/stat); echo started $read_it'");

    let shown = terminal.sees("READY>");

    let groups: Vec<_> = shown.split_whitespace().collect();
    assert_eq!(groups[0], groups[1], "{shown}");
}

#[test]
fn ctrl_z_stops_the_job_and_fg_continues_it() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
    terminal.runs(server.addr, "'echo started; read line; echo got $line'");

    terminal.types("\x1a");
    terminal.sees("Stopped");
    terminal.sees("READY>");
    assert_eq!(server.get("/get?host=other&pool=p").1, "NO", "a stopped job keeps its slot");
    terminal.continues_the_job();
    terminal.types("it\n");

    terminal.sees("got it");
    assert_eq!(terminal.status(), "0");
}

#[test]
fn bg_continues_it_without_the_terminal() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
    // It must not begin to read before it is told to go on: it would be stopped in between, without a word.
    let told = r#"trap "on=1; echo on" CONT; echo started; until [ $on ]; do :; done; "#;
    let script = format!("{told}until read line; do :; done; echo got $line");
    terminal.runs(server.addr, &format!("'{script}'"));

    terminal.types("\x1a");
    terminal.sees("Stopped");
    terminal.types("bg\n");
    terminal.sees("on\r");
    terminal.types("\nwait %1\n"); // it wants to read, and stops for it
    terminal.sees("Stopped");
    terminal.continues_the_job();
    terminal.types("it\n");

    terminal.sees("got it");
    assert_eq!(terminal.status(), "0");
}

#[test]
fn a_pipeline_is_one_job() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());

    terminal.runs(server.addr, "'echo started; read line </dev/tty; echo got $line' | cat");
    terminal.types("it\n");
    terminal.sees("got it");
    assert_eq!(terminal.status(), "0");

    terminal.runs(server.addr, "'echo started; exec sleep 60' | cat");
    terminal.types("\x1a");
    terminal.sees("Stopped");
    terminal.sees("READY>");
    terminal.continues_the_job();
    terminal.types("\x03");
    assert_eq!(terminal.status(), "130");
}

#[test]
fn ctrl_z_stops_the_waiting_and_ctrl_c_ends_it() {
    let (server, mut terminal) = (Server::start(ONE_SLOT), Terminal::start());
    server.get("/get?host=other&pool=p");
    let program = env!("CARGO_BIN_EXE_distributex");
    terminal.types(&format!("{program} -v -H {} -r p --host web1 true\n", server.addr));
    terminal.sees("requesting");

    terminal.types("\x1a");
    terminal.sees("Stopped");
    terminal.sees("READY>");
    terminal.continues_the_job();
    terminal.types("\x03");

    assert_eq!(terminal.status(), "130");
}
