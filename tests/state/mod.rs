//! A server that keeps its leases in a directory: it is killed, stopped, started in another boot, and its disk is
//! full, broken or slow. Server, disk and clients are real; a library stands between the server and the disk only
//! where no real disk fails on demand.

mod boots;
mod crash;
mod directory;
mod disk;
mod flush;
mod levers;
mod restart;
mod trouble;

use std::{path::Path, thread, time::Duration};

use crate::{member::Member, wrapper::run::folder};

/// A server with these lines of configuration, and a directory of its own.
fn keeping(lines: &str) -> Member {
    Member::alone(&kept_in(&folder().join("state"), lines))
}

/// These lines of configuration, and a directory.
fn kept_in(directory: &Path, lines: &str) -> String {
    format!("state_dir: {}\n{lines}", directory.display())
}

/// Lets time pass, where time itself is what happens.
#[expect(clippy::disallowed_methods, reason = "leases become older, a disk stays as it is for so long")]
fn pass(time: Duration) {
    thread::sleep(time);
}
