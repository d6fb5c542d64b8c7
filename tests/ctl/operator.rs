//! The operator's view and levers, with the real server at the other end.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::ctl;
use crate::{
    support::{Server, file_with},
    wrapper::run::ended,
};

/// A server with one slot, whose levers are pulled through this socket or with the key `secret` of olga.
fn server() -> (Server, PathBuf) {
    let socket = file_with("").with_extension("sock");
    let yaml = format!(
        "admin_socket: {}\nadmin_keys: [{{name: olga, sha256: {KEY}}}]\n{ONE}",
        socket.display(),
        KEY = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
        ONE = super::ONE_SLOT
    );
    (Server::start(&yaml), socket)
}

/// The tool of an operator who is called ann on the server's machine.
fn local(socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
    command.arg("--socket").arg(socket).env("SUDO_USER", "ann");
    command
}

/// What it prints, when all is well.
fn told(command: &mut Command) -> String {
    let (code, told, said) = ended(command);
    assert_eq!((code, said.as_str()), (0, ""), "{told}");
    told
}

/// What `distributexctl events` has to tell of a server, from when this returns.
struct Events {
    tool: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Events {
    fn of(server: &Server) -> Self {
        let mut tool = ctl(server.addr).arg("events").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(tool.stdout.take().unwrap()).lines();
        crate::support::eventually(|| server.get("/metrics").1.contains("\ndistributex_event_readers 1\n"));
        Self { tool, lines }
    }

    /// The next one, without its time.
    fn next(&mut self) -> String {
        let line = self.lines.next().unwrap().unwrap();
        line.split_once("UTC  ").unwrap().1.to_owned()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.tool), Signal::TERM);
        let _ = self.tool.wait();
    }
}

#[test]
fn at_three_in_the_morning_a_slot_gets_moving_again() {
    let (server, socket) = server();
    let mut events = Events::of(&server);
    assert_eq!(server.word("/get?host=web7&pool=p"), "YES");
    let mut waiting = server.waiting("web9", "p");

    let why = told(ctl(server.addr).args(["why", "p"]));
    let forced = ["force-release", "p", "--host", "web7", "--reason", "web7 crashed"];
    let forced = told(local(&socket).args(forced));
    let history = told(ctl(server.addr).args(["history", "p"]));

    assert!(why.contains("web7 has had it") && why.contains("1st: web9"), "{why}");
    assert!(forced.contains("web7") && forced.contains("may keep running for up to"), "{forced}");
    assert_eq!(waiting.answer().1, "YES");
    assert!(history.contains("force-released by ann: web7 crashed"), "{history}");
    for start in [
        "p  web7 got a slot",
        "p  web9 waits, 1st in the queue; ticket 1",
        "p  ann force-released the slot of web7",
        "p  web9 got a slot",
    ] {
        let event = events.next();
        assert!(event.starts_with(start), "{event} where {start} was due");
    }
}

#[test]
fn a_holder_is_asked_to_stop_and_everybody_can_see_that() {
    let (server, socket) = server();
    let mut events = Events::of(&server);
    let lease = told(ctl(server.addr).args(["acquire", "p", "--host", "web7", "--ttl", "60"]));
    let waiting = server.waiting("web9", "p");

    let revoke = ["revoke", "p", "--host", "web7", "--within", "30", "--reason", "hotfix first"];
    let revoked = told(local(&socket).args(revoke));
    let status = told(ctl(server.addr).args(["status", "p"]));
    let why = told(ctl(server.addr).args(["why", "p"]));
    assert!(waiting.is_parked(&server));
    told(ctl(server.addr).args(["release", "p", lease.trim()]));
    let history = told(ctl(server.addr).args(["history", "p"]));
    let again = ended(ctl(server.addr).args(["renew", "p", lease.trim()]));

    assert!(revoked.starts_with("web7 (token ") && revoked.contains(") was asked to stop; "), "{revoked}");
    assert!(
        status.contains("the slot of p held by web7 was revoked by ann: hotfix first; free by "),
        "{status}"
    );
    assert!(why.contains("It was revoked by ann: hotfix first; free by "), "{why}");
    assert!(history.contains("released, revoked by ann: hotfix first"), "{history}");
    assert_eq!(again.0, 79);
    assert!(again.2.contains("this lease was revoked by ann: \"hotfix first\", and released"), "{again:?}");
    for start in ["p  web7 got a slot", "p  web9 waits", "p  ann asked web7 to stop: hotfix first"] {
        let event = events.next();
        assert!(event.starts_with(start), "{event} where {start} was due");
    }
}

#[test]
fn a_pool_is_paused_with_a_key_and_resumed_through_the_socket() {
    let (server, socket) = server();
    let key = file_with("secret\n");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let mut events = Events::of(&server);

    let pause = |command: &mut Command| ended(command.args(["pause", "p", "--reason", "kernel update"]));
    let (without_key, ..) = pause(&mut ctl(server.addr));
    let (with_key, ..) = pause(ctl(server.addr).arg("--key-file").arg(&key).env("SUDO_USER", "ann"));
    let status = told(ctl(server.addr).arg("status"));
    let refused = ended(ctl(server.addr).args(["acquire", "p", "-n", "--host", "web1"]));
    told(local(&socket).args(["resume", "p"]));
    let granted = ended(ctl(server.addr).args(["acquire", "p", "-n", "--host", "web1"]));

    assert_eq!((without_key, with_key), (77, 0));
    assert!(status.contains("by ann (key olga): kernel update"), "{status}");
    assert!(
        refused.0 == 75 && refused.2.contains("p is paused by ann (key olga): kernel update"),
        "{refused:?}"
    );
    assert_eq!(granted.0, 0);
    assert_eq!(events.next(), "p  ann (key olga) paused it: kernel update");
    assert_eq!(events.next(), "p  ann resumed it");
}

#[test]
fn waiters_are_moved_and_removed_by_their_tickets() {
    let (server, socket) = server();
    assert_eq!(server.word("/get?host=web1&pool=p"), "YES");
    let mut waiting = ["web2", "web3", "web4"].map(|host| server.waiting(host, "p"));

    told(local(&socket).args(["promote", "p", "3", "--reason", "hotfix"]));
    told(local(&socket).args(["evict", "p", "1", "--reason", "web2 was scrapped"]));
    let gone = ended(local(&socket).args(["evict", "p", "1", "--reason", "once more"]));
    let line = told(ctl(server.addr).args(["status", "p"]));

    assert_eq!(gone.0, 79, "{gone:?}");
    let (first, second) = (line.find("web4").unwrap(), line.find("web3").unwrap());
    assert!(first < second && !line.contains("web2"), "{line}");
    assert_eq!(waiting[0].answer().1, "NO");
    assert_eq!(server.word("/release?host=web1&pool=p"), "OK");
    assert_eq!(waiting[2].answer().1, "YES");
}

#[test]
fn a_reload_is_done_and_a_wrapper_tells_how_its_command_ended() {
    let (server, socket) = server();

    let reloaded = told(local(&socket).arg("reload"));
    let mut wrapper = Command::new(env!("CARGO_BIN_EXE_distributex"));
    wrapper.args(["-H", &server.addr.to_string(), "-r", "p", "--command-note", "nightly", "exit 3"]);
    let (status, ..) = ended(&mut wrapper);
    let history = told(ctl(server.addr).args(["history", "p"]));

    assert!(reloaded.contains("1 pool"), "{reloaded}");
    assert_eq!(status, 3);
    assert!(history.contains("nightly") && history.contains("released, exit status 3 "), "{history}");
}
