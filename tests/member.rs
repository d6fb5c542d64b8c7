//! A distributexd that can be killed and started again at its place, alone or as one of several.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::Command,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    fake::Port,
    faults::clock::{Clock, Misled},
    fight::hosts::At,
    support::{Server, file_with},
    wrapper::run::{eventually, folder},
};

/// A line of a configuration: an operator, whose key is `open sesame`.
pub(crate) const OLGA: &str =
    "admin_keys: [{name: olga, sha256: 41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb}]\n";

/// A server.
#[derive(Debug)]
pub(crate) struct Member {
    /// The process, if there is one.
    server: Option<Server>,
    /// Where it is, always.
    port: Port,
    /// What it is configured to do.
    yaml: String,
    /// The clock that it looks at, if not at the right one.
    clock: Option<Clock>,
    /// What starts it, if it is not started by itself.
    launcher: Vec<String>,
    /// What is set in its environment.
    environment: Vec<(&'static str, OsString)>,
    /// What it says on standard error, in all its lives.
    log: PathBuf,
}

impl Member {
    /// Starts one with these pools, whose memcached is here.
    #[cfg(feature = "memcache")]
    pub(crate) fn start(memcached: SocketAddr, yaml: &str) -> Self {
        Self::start_with(config(memcached, yaml), None, Vec::new())
    }

    /// Starts one that keeps its leases to itself.
    pub(crate) fn alone(yaml: &str) -> Self {
        Self::start_with(yaml.to_owned(), None, Vec::new())
    }

    /// The same, and it looks at this clock.
    pub(crate) fn alone_misled(yaml: &str, clock: Clock) -> Self {
        Self::start_with(yaml.to_owned(), Some(clock), Vec::new())
    }

    /// Starts one whose memcached is here, and which looks at this clock.
    #[cfg(feature = "memcache")]
    pub(crate) fn start_misled(memcached: SocketAddr, yaml: &str, clock: Clock) -> Self {
        Self::start_with(config(memcached, yaml), Some(clock), Vec::new())
    }

    /// Starts one that keeps its leases to itself, with this in its environment.
    pub(crate) fn start_in(environment: Vec<(&'static str, OsString)>, yaml: &str) -> Self {
        Self::start_with(yaml.to_owned(), None, environment)
    }

    fn start_with(yaml: String, clock: Option<Clock>, environment: Vec<(&'static str, OsString)>) -> Self {
        let (port, launcher, log) = (Port::take(), Vec::new(), folder().join("log"));
        let mut member = Self { server: None, port, yaml, clock, launcher, environment, log };
        member.comes();
        member
    }

    /// From its next start on, it is this command that starts it.
    pub(crate) fn is_launched_by(&mut self, launcher: &[&str]) {
        self.launcher = launcher.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Its configuration.
    pub(crate) fn yaml(&self) -> &str {
        &self.yaml
    }

    /// From its next start on, this is its configuration.
    pub(crate) fn is_configured(&mut self, yaml: &str) {
        self.yaml = yaml.to_owned();
    }

    /// Starts it again.
    pub(crate) fn comes(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let program = env!("CARGO_BIN_EXE_distributexd").to_owned();
        let mut words = self.launcher.iter().chain([&program]);
        let mut command = Command::new(words.next().unwrap_or(&program));
        command.args(words).envs(self.environment.iter().cloned());
        command.arg("-c").arg(file_with(&self.yaml)).args(["--listen", &self.addr().to_string()]);
        command.stderr(log);
        if let Some(clock) = &self.clock {
            clock.given_to(&mut command);
        }
        self.server = Some(Server::spawn(&mut command));
    }

    /// Kills it with KILL.
    pub(crate) fn is_killed(&mut self) {
        let Some(server) = self.server.take() else { return };
        match self.clock {
            Some(_) => drop(Misled(server)),
            None => drop(server),
        }
    }

    /// Kills it and starts it again.
    pub(crate) fn is_restarted(&mut self) {
        self.is_killed();
        self.comes();
    }

    /// The same with another configuration.
    #[cfg(feature = "memcache")]
    pub(crate) fn is_restarted_with(&mut self, memcached: SocketAddr, yaml: &str) {
        self.yaml = config(memcached, yaml);
        self.is_restarted();
    }

    /// The clock that it looks at.
    pub(crate) fn clock(&self) -> &Clock {
        self.clock.as_ref().expect("it looks at the right one")
    }

    /// Tells it to stop, and waits for its end.
    pub(crate) fn is_stopped(&mut self) {
        let mut server = self.server.take().expect("it was killed");
        server.signal(Signal::TERM);
        assert_eq!(server.end().code(), Some(0));
    }

    /// The process.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("it was killed")
    }

    /// A call for pool `p`: the status, and the answer, which is `Null` if it is empty.
    pub(crate) fn call(&self, call: &str, body: &Value) -> (u16, Value) {
        let mut client = self.server().connect();
        client.post(&format!("/v1/pools/p/{call}"), &body.to_string());
        json_of(client.answer())
    }

    /// A lease of `p` for this host, which asks as this owner: it is a new one.
    pub(crate) fn gives(&self, host: &str, owner: &str) -> Value {
        let (status, lease) = self.call("acquire", &json!({"host": host, "owner": owner}));
        assert_eq!(status, 201, "{lease}");
        lease
    }

    /// Renews a lease: the status, and the kind of a refusal.
    pub(crate) fn renew(&self, lease: &Value) -> (u16, Value) {
        let (status, answer) = self.call("renew", &json!({"lease": lease["lease"]}));
        (status, answer["kind"].clone())
    }

    /// Releases a lease: the status, and the kind of a refusal.
    pub(crate) fn release(&self, lease: &Value) -> (u16, Value) {
        let (status, answer) = self.call("release", &json!({"lease": lease["lease"]}));
        (status, answer["kind"].clone())
    }

    /// Olga pulls a lever of pool `p`: the status, and the answer.
    pub(crate) fn pull(&self, action: &str, body: &Value) -> (u16, Value) {
        let (mut client, body) = (self.server().connect(), body.to_string());
        client.send_raw(&format!(
            "POST /v1/admin/pools/p/{action} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer open sesame\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        json_of(client.answer())
    }

    /// A look at what stands here.
    pub(crate) fn look(&self, path: &str) -> (u16, Value) {
        json_of(self.server().get(path))
    }

    /// The status and the word that answer a classic call for pool `p`.
    pub(crate) fn ask(&self, call: &str, host: &str) -> (u16, String) {
        self.server().get(&format!("/{call}?host={host}&pool=p"))
    }

    /// Returns when so many stand in line: they are parked by then, whatever happens to memcached.
    #[cfg(feature = "memcache")]
    pub(crate) fn line_is(&self, length: usize) {
        eventually("they stand in line", || self.look("/v1/pools/p").1["queue"]["length"] == length);
    }

    /// All that it said until now.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Returns when it has said something with these words.
    pub(crate) fn says(&self, words: &str) {
        eventually(words, || self.log().lines().any(|line| line.contains(words)));
    }
}

impl At for Member {
    fn addr(&self) -> SocketAddr {
        self.port.addr()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.is_killed();
    }
}

/// A configuration with this memcached.
#[cfg(feature = "memcache")]
fn config(memcached: SocketAddr, yaml: &str) -> String {
    let (host, port) = (memcached.ip(), memcached.port());
    // A busy machine may take long to answer, and only some tests are about that.
    let patient = if yaml.contains("timeout: ") { "" } else { "memcache: {timeout: 20}\n" };
    format!("backend: memcache\nmemcachehost: {host}\nmemcacheport: {port}\n{patient}{yaml}")
}

/// The answer to a call of v1.
pub(crate) fn json_of((status, body): (u16, String)) -> (u16, Value) {
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
    (status, body)
}
