//! An interactive shell on a pseudo terminal, and a person who types.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Pid,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::tcgetpgrp,
};

use super::run::eventually;

/// An interactive shell, as a person uses it.
pub(crate) struct Terminal {
    /// What the person sees and types.
    master: File,
    /// The shell.
    shell: Child,
    /// What was seen and not yet looked for.
    seen: String,
}

impl Terminal {
    /// A shell in a session and a terminal of its own.
    pub(crate) fn start() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let side = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        let shell = Command::new("setsid")
            .args(["--ctty", "bash", "--norc", "--noprofile", "-i"])
            .env("PS1", "READY> ")
            .env("TERM", "dumb")
            .env("LC_ALL", "C")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        let mut terminal = Self { master: File::from(master), shell, seen: String::new() };
        terminal.sees("READY>");
        terminal
    }

    /// Types this.
    pub(crate) fn types(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until this is shown; what was shown before it.
    pub(crate) fn sees(&mut self, text: &str) -> String {
        loop {
            if let Some((before, after)) = self.seen.split_once(text) {
                let before = before.to_owned();
                self.seen = after.to_owned();
                return before;
            }
            let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
            let patience = Timespec { tv_sec: 20, tv_nsec: 0 };
            assert_eq!(poll(&mut ready, Some(&patience)).unwrap(), 1, "no {text:?} in {:?}", self.seen);
            let mut bytes = [0; 4096];
            let length = self.master.read(&mut bytes).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
    }

    /// Brings the job to the foreground.
    pub(crate) fn continues_the_job(&mut self) {
        self.types("fg\n");
        let shell = Pid::from_child(&self.shell);
        eventually("the job has the terminal", || tcgetpgrp(&self.master).unwrap() != shell);
    }

    /// Types a line for a wrapper; what it runs must write `started`.
    pub(crate) fn runs(&mut self, addr: SocketAddr, rest: &str) {
        let program = env!("CARGO_BIN_EXE_distributex");
        self.types(&format!("{program} -H {addr} -r p --host web1 {rest}\n"));
        self.sees("\nstarted");
    }

    /// The status of the last command, after the shell is back.
    pub(crate) fn status(&mut self) -> String {
        self.sees("READY>");
        self.types("echo status=$?.\n");
        self.sees("\nstatus=");
        let status = self.sees(".");
        self.sees("READY>");
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
