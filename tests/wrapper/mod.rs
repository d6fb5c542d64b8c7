//! The wrapper, as cron and people use it: the real program, real children, real connections.

mod command;
mod environment;
mod group;
mod guard;
mod guarded;
mod leases;
mod lock;
mod lost;
mod max_run;
mod outages;
pub(crate) mod pty;
pub(crate) mod revoked;
pub(crate) mod run;
mod servers;
mod signals;
mod status_file;
mod statuses;
mod terminal;
mod waiting;

/// A server's configuration: one pool of one slot, for every host.
const ONE_SLOT: &str = "pools:\n  - name: p\n";
