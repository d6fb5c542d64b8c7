//! A distributexd that shares a memcached with others, and can be killed and started again.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    fake::Port,
    faults::clock::{Clock, Misled},
    support::{Server, file_with},
    wrapper::run::{eventually, folder},
};

/// One of several servers.
#[derive(Debug)]
pub(super) struct Member {
    /// The process, if there is one.
    server: Option<Server>,
    /// Where it is, always.
    port: Port,
    /// What it is configured to do.
    yaml: String,
    /// The clock that it looks at, if not at the right one.
    clock: Option<Clock>,
    /// What it says on standard error, in all its lives.
    log: PathBuf,
}

impl Member {
    /// Starts one with these pools, whose memcached is here.
    pub(super) fn start(memcached: SocketAddr, yaml: &str) -> Self {
        Self::start_with(config(memcached, yaml), None)
    }

    /// Starts one that keeps its leases to itself.
    pub(super) fn alone(yaml: &str) -> Self {
        Self::start_with(yaml.to_owned(), None)
    }

    /// The same, and it looks at this clock.
    pub(super) fn start_misled(memcached: SocketAddr, yaml: &str, clock: Clock) -> Self {
        Self::start_with(config(memcached, yaml), Some(clock))
    }

    fn start_with(yaml: String, clock: Option<Clock>) -> Self {
        let (port, log) = (Port::take(), folder().join("log"));
        let mut member = Self { server: None, port, yaml, clock, log };
        member.comes();
        member
    }

    /// Starts it again.
    pub(super) fn comes(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
        command.arg("-c").arg(file_with(&self.yaml)).args(["--listen", &self.addr().to_string()]);
        command.stderr(log);
        if let Some(clock) = &self.clock {
            clock.given_to(&mut command);
        }
        self.server = Some(Server::spawn(&mut command));
    }

    /// Kills it with KILL.
    pub(super) fn is_killed(&mut self) {
        let Some(server) = self.server.take() else { return };
        match self.clock {
            Some(_) => drop(Misled(server)),
            None => drop(server),
        }
    }

    /// Kills it and starts it again.
    pub(super) fn is_restarted(&mut self) {
        self.is_killed();
        self.comes();
    }

    /// The same with another configuration.
    pub(super) fn is_restarted_with(&mut self, memcached: SocketAddr, yaml: &str) {
        self.yaml = config(memcached, yaml);
        self.is_restarted();
    }

    /// The clock that it looks at.
    pub(super) fn clock(&self) -> &Clock {
        self.clock.as_ref().expect("it looks at the right one")
    }

    /// The process.
    pub(super) fn server(&self) -> &Server {
        self.server.as_ref().expect("it was killed")
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// A call for pool `p`: the status, and the answer, which is `Null` if it is empty.
    pub(super) fn call(&self, call: &str, body: &Value) -> (u16, Value) {
        let mut client = self.server().connect();
        client.post(&format!("/v1/pools/p/{call}"), &body.to_string());
        json_of(client.answer())
    }

    /// A lease of `p` for this host, which asks as this owner: it is a new one.
    pub(super) fn gives(&self, host: &str, owner: &str) -> Value {
        let (status, lease) = self.call("acquire", &json!({"host": host, "owner": owner}));
        assert_eq!(status, 201, "{lease}");
        lease
    }

    /// Renews a lease: the status, and the kind of a refusal.
    pub(super) fn renew(&self, lease: &Value) -> (u16, Value) {
        let (status, answer) = self.call("renew", &json!({"lease": lease["lease"]}));
        (status, answer["kind"].clone())
    }

    /// Releases a lease: the status, and the kind of a refusal.
    pub(super) fn release(&self, lease: &Value) -> (u16, Value) {
        let (status, answer) = self.call("release", &json!({"lease": lease["lease"]}));
        (status, answer["kind"].clone())
    }

    /// A look at what stands here.
    pub(super) fn look(&self, path: &str) -> (u16, Value) {
        json_of(self.server().get(path))
    }

    /// The status and the word that answer a classic call for pool `p`.
    pub(super) fn ask(&self, call: &str, host: &str) -> (u16, String) {
        self.server().get(&format!("/{call}?host={host}&pool=p"))
    }

    /// Returns when so many stand in line: they are parked by then, whatever happens to memcached.
    pub(super) fn line_is(&self, length: usize) {
        eventually("they stand in line", || self.look("/v1/pools/p").1["line"]["length"] == length);
    }

    /// All that it said until now.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Returns when it has said something with these words.
    pub(super) fn says(&self, words: &str) {
        eventually(words, || self.log().lines().any(|line| line.contains(words)));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.is_killed();
    }
}

/// A configuration with this memcached.
fn config(memcached: SocketAddr, yaml: &str) -> String {
    let (host, port) = (memcached.ip(), memcached.port());
    // A busy machine may take long to answer, and only some tests are about that.
    let patient = if yaml.contains("memcachetimeout") { "" } else { "memcachetimeout: 20\n" };
    format!("backend: memcache\nmemcachehost: {host}\nmemcacheport: {port}\n{patient}{yaml}")
}

/// The answer to a call of v1.
pub(super) fn json_of((status, body): (u16, String)) -> (u16, Value) {
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
    (status, body)
}
