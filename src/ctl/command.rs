//! What the tool can do.

use std::{path::PathBuf, time::Duration};

use structopt::clap::Shell;

use super::{AcquireCommand, AdminCommand, CompletionRequest, Program};
use distributex_client::LeaseId;

/// What can be done.
#[derive(Debug, Clone)]
pub enum CtlCommand {
    /// Show how it stands.
    Status {
        /// With this pool alone, and who waits for it.
        pool: Option<String>,
        /// Again and again.
        watch: bool,
        /// As the server tells it.
        json: bool,
    },
    /// Say why a pool has no slot, and who gets the next one.
    Why {
        /// The pool.
        pool: String,
        /// As the server tells how it stands.
        json: bool,
    },
    /// Show the runs that are over.
    History {
        /// Of this pool.
        pool: String,
        /// As the server tells it.
        json: bool,
    },
    /// Tell what happens.
    Events {
        /// To these pools; to all, if there are none.
        pools: Vec<String>,
        /// As the server tells it.
        json: bool,
    },
    /// Do something to a pool.
    Pull {
        /// What.
        action: AdminCommand,
        /// Print what the server answers, as it comes.
        json: bool,
    },
    /// Take a slot.
    Acquire(AcquireCommand),
    /// Keep it for longer.
    Renew {
        /// Which.
        which: LeaseSelector,
        /// For so long from now; else as long as before.
        ttl: Option<Duration>,
        /// Tell the lease.
        json: bool,
    },
    /// Give it back.
    Release {
        /// Which.
        which: LeaseSelector,
    },
    /// Print what a shell needs to complete command lines.
    Completions {
        /// The shell.
        shell: Shell,
        /// Whose command lines; those of all programs, if none is named.
        program: Option<Program>,
    },
    /// Print what can follow on a command line.
    Complete(CompletionRequest),
    /// Print a manual page.
    Man {
        /// Of this program.
        program: Program,
    },
}

/// How a lease is named.
#[derive(Debug, Clone)]
pub enum LeaseSelector {
    /// By a file that an acquire wrote.
    File(PathBuf),
    /// By its pool and its id.
    Id(String, LeaseId),
    /// By its pool; the id is read from the standard input.
    FromInput(String),
}
