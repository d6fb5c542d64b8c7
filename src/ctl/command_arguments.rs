//! The commands, as they are written; their comments are the help.

use std::time::Duration;

use structopt::{
    StructOpt,
    clap::{AppSettings, Shell},
};

use super::{
    AcquireCommand, AdminCommand, CompletionRequest, CtlCommand, HolderSelector, Program,
    arguments::{LeaseArguments, lifetime},
    help,
    operator_identity::reason,
};
use crate::program::cli_values::{name, seconds};

// A command, as it is written. (Documentation here would become the program's.)
#[derive(Debug, StructOpt)]
pub(super) enum CommandArguments {
    /// Show the pools: slots, who holds them, how many wait; of one pool, also who waits
    Status {
        /// This pool alone, with its line
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: Option<String>,
        /// Go on: show it anew whenever something happens, until Ctrl-C
        #[structopt(short = "W", long)]
        watch: bool,
        /// Print what the server tells, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Say in sentences who has the slots of a pool, who waits, and what happens next
    Why {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// Print what the server tells: {"state": …, "history": …}
        #[structopt(long)]
        json: bool,
    },
    /// Show the runs that are over, the newest first: who had the slot for how long, and how it ended
    History {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// Print what the server tells, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Tell what happens from now on, a line each, until Ctrl-C
    #[structopt(after_help = help::EVENTS)]
    Events {
        /// These pools [default: all]
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pools: Vec<String>,
        /// Print a JSON object for each, on a line of its own
        #[structopt(long)]
        json: bool,
    },
    /// Take a slot from who holds it: it goes to the next in line at once
    #[structopt(after_help = help::FORCE, usage = help::FORCE_USAGE)]
    ForceRelease {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// The token of the lease, as status shows it
        #[structopt(value_name = "TOKEN", required_unless = "host", conflicts_with = "host")]
        token: Option<u64>,
        /// The host that holds it, instead of the token; it must hold no other slot of the pool
        #[structopt(long, value_name = "HOST", parse(try_from_str = name))]
        host: Option<String>,
        /// Why, for the log and for those who ask
        #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
        reason: String,
        /// Print what the server answers, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Ask who holds a slot to stop; it goes to the next in line when the holder has stopped
    #[structopt(after_help = help::REVOKE, usage = help::REVOKE_USAGE)]
    Revoke {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// The token of the lease, as status shows it
        #[structopt(value_name = "TOKEN", required_unless = "host", conflicts_with = "host")]
        token: Option<u64>,
        /// The host that holds it, instead of the token; it must hold no other slot of the pool
        #[structopt(long, value_name = "HOST", parse(try_from_str = name))]
        host: Option<String>,
        /// The holder can renew its lease for so long yet [default: the lease's time to live]
        #[structopt(long, value_name = "SECONDS", parse(try_from_str = seconds))]
        within: Option<Duration>,
        /// Why, for the holder, the log and those who ask
        #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
        reason: String,
        /// Print what the server answers, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Give out no slots of a pool until it is resumed; who holds one keeps it, who waits stays in line
    Pause {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// Why, for the log and for those who ask
        #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
        reason: String,
        /// Print what the server answers, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Give out slots of a pool that was paused
    Resume {
        /// The pool
        #[structopt(value_name = "POOL", parse(try_from_str = name))]
        pool: String,
        /// Why, for the log and for those who ask
        #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
        reason: Option<String>,
        /// Print what the server answers, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Let somebody who waits be the next
    Promote {
        #[structopt(flatten)]
        place: WaiterArguments,
    },
    /// Take somebody who waits out of the line
    Evict {
        #[structopt(flatten)]
        place: WaiterArguments,
    },
    /// Let the server read its configuration file again
    Reload {
        /// Why, for the log
        #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
        reason: Option<String>,
        /// Print what the server answers, as it comes
        #[structopt(long)]
        json: bool,
    },
    /// Take a slot, and print the lease's id: a secret, with which it can be renewed and released
    #[structopt(after_help = help::ACQUIRE)]
    Acquire(AcquireCommand),
    /// Keep a slot for longer
    #[structopt(after_help = help::LEASE, usage = help::RENEW)]
    Renew {
        #[structopt(flatten)]
        lease: LeaseArguments,
        /// The lease is over so many seconds from now [default: as long as it lived before]
        #[structopt(short, long, value_name = "SECONDS", parse(try_from_str = lifetime))]
        ttl: Option<Duration>,
        /// Print the lease as JSON
        #[structopt(long)]
        json: bool,
    },
    /// Give a slot back; one that is not held any more is no mistake
    #[structopt(after_help = help::LEASE, usage = help::RELEASE)]
    Release {
        #[structopt(flatten)]
        lease: LeaseArguments,
    },
    /// Print what a shell needs to complete command lines
    #[structopt(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell
        #[structopt(value_name = "SHELL", possible_values = &Shell::variants())]
        shell: Shell,
        /// Whose command lines [default: those of all programs]
        #[structopt(value_name = "PROGRAM", possible_values = Program::NAMES)]
        program: Option<Program>,
    },
    /// Print what can follow on a command line, for the scripts of completions
    #[structopt(setting = AppSettings::Hidden)]
    Complete(CompletionRequest),
    /// Print a manual page
    #[structopt(after_help = help::MAN)]
    Man {
        /// Whose
        #[structopt(value_name = "PROGRAM", default_value = "distributexctl", possible_values = Program::NAMES)]
        program: Program,
    },
}

// A place in line. (Documentation here would become the help of the commands that have one.)
#[derive(Debug, StructOpt)]
pub(super) struct WaiterArguments {
    /// The pool
    #[structopt(value_name = "POOL", parse(try_from_str = name))]
    pool: String,
    /// The ticket of the place, as status POOL shows it
    #[structopt(value_name = "TICKET")]
    ticket: u64,
    /// Why, for the log and for those who ask
    #[structopt(long, value_name = "TEXT", parse(try_from_str = reason))]
    reason: String,
    /// Print what the server answers, as it comes
    #[structopt(long)]
    json: bool,
}

/// The lease of which one of the two is given.
fn held(token: Option<u64>, host: Option<String>) -> HolderSelector {
    token.map_or_else(|| HolderSelector::Host(host.unwrap_or_default()), HolderSelector::Token)
}

impl From<CommandArguments> for CtlCommand {
    fn from(written: CommandArguments) -> Self {
        match written {
            CommandArguments::Status { pool, watch, json } => Self::Status { pool, watch, json },
            CommandArguments::Why { pool, json } => Self::Why { pool, json },
            CommandArguments::History { pool, json } => Self::History { pool, json },
            CommandArguments::Events { pools, json } => Self::Events { pools, json },
            CommandArguments::ForceRelease { pool, token, host, reason, json } => Self::Pull {
                action: AdminCommand::ForceRelease { pool, held: held(token, host), reason },
                json,
            },
            CommandArguments::Revoke { pool, token, host, within, reason, json } => {
                let action = AdminCommand::Revoke { pool, held: held(token, host), within, reason };
                Self::Pull { action, json }
            }
            CommandArguments::Pause { pool, reason, json } => {
                Self::Pull { action: AdminCommand::Pause { pool, reason }, json }
            }
            CommandArguments::Resume { pool, reason, json } => {
                Self::Pull { action: AdminCommand::Resume { pool, reason }, json }
            }
            CommandArguments::Promote { place: WaiterArguments { pool, ticket, reason, json } } => {
                Self::Pull { action: AdminCommand::Promote { pool, ticket, reason }, json }
            }
            CommandArguments::Evict { place: WaiterArguments { pool, ticket, reason, json } } => {
                Self::Pull { action: AdminCommand::Evict { pool, ticket, reason }, json }
            }
            CommandArguments::Reload { reason, json } => {
                Self::Pull { action: AdminCommand::Reload { reason }, json }
            }
            CommandArguments::Acquire(acquire) => Self::Acquire(acquire),
            CommandArguments::Renew { lease, ttl, json } => Self::Renew { which: lease.into(), ttl, json },
            CommandArguments::Release { lease } => Self::Release { which: lease.into() },
            CommandArguments::Completions { shell, program } => Self::Completions { shell, program },
            CommandArguments::Complete(begun) => Self::Complete(begun),
            CommandArguments::Man { program } => Self::Man { program },
        }
    }
}
