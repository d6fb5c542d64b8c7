//! Commands of the operator's tool. The comments of variants and fields are their `--help`.

use std::{path::PathBuf, time::Duration};

use structopt::{
    StructOpt,
    clap::{AppSettings, Shell},
};

use super::{
    AcquireCommand, CompletionRequest, Program, arguments::lifetime, help, operator_identity::reason,
};
use crate::program::cli_values::{duration, name};
use distributex_client::LeaseId;

// Plain comments here: documentation of these types would replace the about text of the program or command.

#[derive(Debug, Clone, StructOpt)]
pub(super) enum CtlCommand {
    /// List the pools with their slots, holders and number of waiters; for one pool, also its queue
    Status {
        /// Show only this pool, with its queue
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: Option<String>,
        /// Stay and refresh on every change, until Ctrl-C
        #[structopt(short = "W", long)]
        watch: bool,
        /// Print the server's JSON response
        #[structopt(long)]
        json: bool,
    },
    /// Explain in sentences who holds the slots of a pool, who waits, and what happens next
    Why {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// Print the server's JSON responses: {"state": …, "history": …}
        #[structopt(long)]
        json: bool,
    },
    /// List the runs that ended, newest first: host, duration, and how each ended
    History {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// Print the server's JSON response
        #[structopt(long)]
        json: bool,
    },
    /// Print events as they happen, one per line, until Ctrl-C
    #[structopt(after_help = help::EVENTS)]
    Events {
        /// Only events of these pools [default: all]
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pools: Vec<String>,
        /// Print each event as one JSON object per line
        #[structopt(long)]
        json: bool,
    },
    #[structopt(flatten)]
    Admin(AdminCommand),
    /// Acquire a slot and print the id of its lease, a secret that is needed to renew and release it
    #[structopt(after_help = help::ACQUIRE)]
    Acquire(AcquireCommand),
    /// Extend a lease
    #[structopt(after_help = help::LEASE, usage = help::RENEW_USAGE)]
    Renew {
        #[structopt(flatten)]
        lease: LeaseArguments,
        /// New time to live, counted from now [default: the lease's current one]
        #[structopt(short, long, value_name = "DURATION", parse(try_from_str = lifetime))]
        ttl: Option<Duration>,
        /// Print the lease as JSON
        #[structopt(long)]
        json: bool,
    },
    /// Release a slot; releasing one that is no longer held is not an error
    #[structopt(after_help = help::LEASE, usage = help::RELEASE_USAGE)]
    Release {
        #[structopt(flatten)]
        lease: LeaseArguments,
    },
    /// Print a completion script for a shell
    #[structopt(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell
        #[structopt(value_name = "SHELL", possible_values = &Shell::variants())]
        shell: Shell,
        /// Complete only this program's command lines [default: all programs]
        #[structopt(value_name = "PROGRAM", possible_values = Program::NAMES)]
        program: Option<Program>,
    },
    /// Print the words that can follow on a command line; for completion scripts
    #[structopt(setting = AppSettings::Hidden)]
    Complete(CompletionRequest),
    /// Print a manual page
    #[structopt(after_help = help::MAN)]
    Man {
        /// The program
        #[structopt(value_name = "PROGRAM", default_value = "distributexctl", possible_values = Program::NAMES)]
        program: Program,
    },
}

#[derive(Debug, Clone, StructOpt)]
pub(super) enum AdminCommand {
    /// Release a holder's slot at once; the next waiter gets it
    #[structopt(after_help = help::FORCE_RELEASE, usage = help::FORCE_RELEASE_USAGE)]
    ForceRelease {
        #[structopt(flatten)]
        lease: HolderSelector,
        #[structopt(flatten)]
        action: ActionArguments,
    },
    /// Ask a holder to stop; the next waiter gets the slot once the holder has stopped
    #[structopt(after_help = help::REVOKE, usage = help::REVOKE_USAGE)]
    Revoke {
        #[structopt(flatten)]
        lease: HolderSelector,
        /// Time for the holder to stop: renewals do not extend its lease beyond that [default: the lease's ttl]
        #[structopt(long, value_name = "DURATION", parse(try_from_str = duration))]
        within: Option<Duration>,
        #[structopt(flatten)]
        action: ActionArguments,
    },
    /// Grant no slots of a pool until it is resumed; holders keep theirs, waiters keep their position
    Pause {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        #[structopt(flatten)]
        action: ActionArguments,
    },
    /// Grant slots of a paused pool again
    Resume {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        #[structopt(flatten)]
        action: OptionalReasonArguments,
    },
    /// Move a waiter to the front of the queue
    Promote {
        #[structopt(flatten)]
        waiter: WaiterSelector,
        #[structopt(flatten)]
        action: ActionArguments,
    },
    /// Remove a waiter from the queue
    Evict {
        #[structopt(flatten)]
        waiter: WaiterSelector,
        #[structopt(flatten)]
        action: ActionArguments,
    },
    /// Make the server read its configuration file again
    Reload {
        #[structopt(flatten)]
        action: OptionalReasonArguments,
    },
}

// A lease of another host: by its token, or by its host if that holds no other slot of the pool.
#[derive(Debug, Clone, StructOpt)]
pub(super) struct HolderSelector {
    /// The pool
    #[structopt(value_name = "POOL", parse(try_from_str = name))]
    pub(super) pool: String,
    /// The token of the lease, as listed by status
    #[structopt(value_name = "TOKEN", required_unless = "host", conflicts_with = "host")]
    pub(super) token: Option<u64>,
    /// The host that holds the lease, instead of the token; it must hold no other slot of the pool
    #[structopt(long, value_name = "HOST", parse(try_from_str = name))]
    pub(super) host: Option<String>,
}

// A waiter.
#[derive(Debug, Clone, StructOpt)]
pub(super) struct WaiterSelector {
    /// The pool
    #[structopt(value_name = "POOL", parse(try_from_str = name))]
    pub(super) pool: String,
    /// The ticket of the waiter, as listed by status POOL
    #[structopt(value_name = "TICKET")]
    pub(super) ticket: u64,
}

// Options of all admin actions that need a reason.
#[derive(Debug, Clone, StructOpt)]
pub(super) struct ActionArguments {
    /// The reason, shown in the log and to the clients concerned
    #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
    pub(super) reason: String,
    /// Print the server's JSON response
    #[structopt(long)]
    pub(super) json: bool,
}

// Options of admin actions without need for a reason.
#[derive(Debug, Clone, StructOpt)]
pub(super) struct OptionalReasonArguments {
    /// The reason, shown in the log
    #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
    pub(super) reason: Option<String>,
    /// Print the server's JSON response
    #[structopt(long)]
    pub(super) json: bool,
}

// One's own lease, as written on a command line.
#[derive(Debug, Clone, StructOpt)]
pub(super) struct LeaseArguments {
    /// The pool
    #[structopt(value_name = "POOL", required_unless = "lease-file", conflicts_with = "lease-file", parse(try_from_str = name))]
    pool: Option<String>,
    /// The lease id, or - to read it from standard input, so that `ps` does not show it
    #[structopt(value_name = "LEASE", required_unless = "lease-file")]
    lease: Option<String>,
    /// The file written by acquire
    #[structopt(long, value_name = "FILE", parse(from_os_str))]
    lease_file: Option<PathBuf>,
}

/// A lease to renew or release.
#[derive(Debug, Clone)]
pub(super) enum LeaseSelector {
    /// The one in a file written by an acquire.
    File(PathBuf),
    /// The one of this pool with this id.
    Id(String, LeaseId),
    /// The one of this pool whose id is read from standard input.
    FromInput(String),
}

impl LeaseArguments {
    pub(super) fn selector(self) -> LeaseSelector {
        match (self.lease_file, self.pool.unwrap_or_default(), self.lease.unwrap_or_default()) {
            (Some(file), ..) => LeaseSelector::File(file),
            (None, pool, lease) if lease == "-" => LeaseSelector::FromInput(pool),
            (None, pool, lease) => LeaseSelector::Id(pool, LeaseId::new(lease)),
        }
    }
}

impl AdminCommand {
    /// Whether it is about one lease or waiter, which may be gone.
    pub(super) fn has_target(&self) -> bool {
        match self {
            Self::ForceRelease { .. } | Self::Revoke { .. } | Self::Promote { .. } | Self::Evict { .. } => {
                true
            }
            Self::Pause { .. } | Self::Resume { .. } | Self::Reload { .. } => false,
        }
    }

    /// Whether to print the server's JSON response.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::ForceRelease { action, .. }
            | Self::Revoke { action, .. }
            | Self::Pause { action, .. }
            | Self::Promote { action, .. }
            | Self::Evict { action, .. } => action.json,
            Self::Resume { action, .. } | Self::Reload { action } => action.json,
        }
    }
}
