//! Networks of the kernel: every host, and the server, has a namespace with a network stack of its own, and
//! virtual cables lie between them.

use std::{
    net::SocketAddr,
    process::{Command, Stdio, id},
};

use super::{
    ONE_SLOT,
    network::{Network, State},
};
use crate::{
    support::{Server, file_with},
    wrapper::run::wrapper_as,
};

/// A namespace. It is gone when this goes out of scope.
#[derive(Debug)]
struct Namespace(String);

/// A server to which cables lead.
#[derive(Debug)]
pub(super) struct Site {
    /// What runs there; before its namespace, with which it would lose its network.
    _server: Server,
    /// Where it is.
    namespace: Namespace,
}

/// A host, and the cable from it to the server.
#[derive(Debug)]
pub(super) struct Cable {
    /// Where the host is.
    host: Namespace,
    /// Where the server is.
    site: String,
    /// Its number, which is in the names and addresses of its ends.
    number: u8,
}

impl Namespace {
    /// A new one, if that is allowed.
    fn new(name: &str) -> Option<Self> {
        let name = format!("distributex-{}-{name}", id());
        ip(&["netns", "add", &name]).then_some(Self(name))
    }

    /// A program that runs there.
    fn run(&self, program: &Command) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).arg(program.get_program()).args(program.get_args());
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&["netns", "del", &self.0]);
    }
}

impl Site {
    /// Starts the server, if there can be namespaces and cables.
    pub(super) fn start() -> Option<Self> {
        let namespace = Namespace::new("server")?;
        ip(&["-n", &namespace.0, "link", "add", "trial", "type", "veth"]).then_some(())?;
        let mut program = Command::new(env!("CARGO_BIN_EXE_distributexd"));
        program.arg("-c").arg(file_with(ONE_SLOT)).args(["--listen", "0.0.0.0:9889"]);
        Some(Self { _server: Server::spawn(&mut namespace.run(&program)), namespace })
    }

    /// Lays the cable of this number.
    pub(super) fn cable(&self, number: u8) -> Cable {
        let site = self.namespace.0.clone();
        let host = Namespace::new(&number.to_string()).unwrap();
        let end = format!("host{number}");
        set(&site, &format!("link add {end} type veth peer name server netns {}", host.0));
        for (namespace, end, address) in [(&site, end.as_str(), 1), (&host.0, "server", 2)] {
            set(namespace, &format!("addr add 10.0.{number}.{address}/24 dev {end}"));
            set(namespace, &format!("link set {end} up"));
        }
        Cable { host, site, number }
    }
}

impl Network for Cable {
    fn becomes(&self, state: State) {
        let server = format!("10.0.{}.1", self.number);
        let (cable, way) = match state {
            State::Whole => ("up", format!("{server} dev server")),
            State::Silent => ("down", format!("{server} dev server")),
            State::Broken => ("up", format!("unreachable {server}")),
        };
        set(&self.site, &format!("link set host{} {cable}", self.number));
        set(&self.host.0, &format!("route replace {way}"));
    }

    fn wrapper(&self, host: &str) -> Command {
        let server = SocketAddr::from(([10, 0, self.number, 1], 9889));
        self.host.run(&wrapper_as(server, host))
    }
}

/// Changes something in a namespace.
fn set(namespace: &str, what: &str) {
    let words: Vec<_> = ["-n", namespace].into_iter().chain(what.split(' ')).collect();
    assert!(ip(&words), "ip {words:?}");
}

/// Whether this could be done.
fn ip(words: &[&str]) -> bool {
    Command::new("ip").args(words).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
