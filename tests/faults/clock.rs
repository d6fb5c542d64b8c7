//! A wall clock that the test sets while programs look at it: Debian's `faketime`, a library that stands
//! between them and the C library. Clocks that cannot be set, as those that time-outs are kept on, go right.

use std::{fs, path::PathBuf, process::Command};

use crate::{support::Server, wrapper::run::folder};

/// The clock.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The library.
    library: PathBuf,
    /// The file that tells how wrong the clock is.
    told: PathBuf,
}

impl Clock {
    /// One that goes right.
    pub(crate) fn new() -> Self {
        let clock = Self { library: library(), told: folder().join("clock") };
        clock.is_wrong_by("+0");
        clock
    }

    /// From now on it is wrong by so much: seconds, or days as in `-1d`.
    pub(crate) fn is_wrong_by(&self, time: &str) {
        let new = self.told.with_extension("new");
        fs::write(&new, time).unwrap();
        fs::rename(new, &self.told).unwrap(); // nobody ever finds half of it
    }

    /// Lets the command look at this clock, and all that it starts.
    pub(crate) fn given_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.told)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Starts a server that looks at it.
    pub(crate) fn server(&self, yaml: &str) -> Misled {
        Misled(Server::start_with(yaml, |command| self.given_to(command)))
    }
}

/// A server that looks at a clock of a test.
#[derive(Debug)]
pub(crate) struct Misled(pub(crate) Server);

impl Drop for Misled {
    fn drop(&mut self) {
        let _ = self.0.child.kill();
        self.0.end();
        for file in ["faketime_shm", "sem.faketime_sem"] {
            let _ = fs::remove_file(format!("/dev/shm/{file}_{}", self.0.child.id())); // it had no time to
        }
    }
}

/// Where the library is: the folder has the name of the machine's architecture.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    places
        .find(|place| place.exists())
        .expect("the Debian package faketime is missing; tests/run installs it")
}
