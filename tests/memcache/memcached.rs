//! A memcached of a test's own.

use std::{
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::text::Text;
use crate::{fake::Port, wrapper::run::eventually};

/// What it should be started with.
const OPTIONS: [&str; 3] = ["-M", "-m", "64"];

/// A memcached, or the place of one that is away. Killed when it goes out of scope.
#[derive(Debug)]
pub(super) struct Memcached {
    /// Where it is, always.
    port: Port,
    /// How it is started.
    options: Vec<&'static str>,
    /// The process, if there is one.
    child: Option<Child>,
}

impl Memcached {
    /// Starts one as it should be.
    pub(super) fn start() -> Self {
        Self::start_with(&OPTIONS)
    }

    /// Starts one with these options.
    pub(super) fn start_with(options: &[&'static str]) -> Self {
        let mut memcached = Self::away();
        memcached.options = options.to_vec();
        memcached.comes();
        memcached
    }

    /// One that is not there yet.
    pub(super) fn away() -> Self {
        Self { port: Port::take(), options: OPTIONS.to_vec(), child: None }
    }

    /// Starts it, empty. It is the same one for who knows only its address.
    pub(super) fn comes(&mut self) {
        let addr = self.addr();
        let mut command = Command::new("memcached");
        command.args(["-u", "nobody", "-U", "0", "-t", "2", "-l", &addr.ip().to_string()]);
        command.args(["-p", &addr.port().to_string()]).args(&self.options).stdin(Stdio::null());
        let child = command.spawn().expect("the Debian package memcached is missing; tests/run installs it");
        let child = self.child.insert(child);
        eventually("memcached listens", || {
            assert!(child.try_wait().unwrap().is_none(), "it ended at once");
            TcpStream::connect(addr).is_ok()
        });
    }

    /// Kills it, and all that it knew is gone.
    pub(super) fn is_killed(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops the process as Ctrl-Z does, and returns when it stands still.
    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }

    /// It goes on, if it stood still.
    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// A connection to it.
    pub(super) fn text(&self) -> Text {
        Text::connect(self.addr())
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().expect("it is away"))
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        self.is_killed();
    }
}
