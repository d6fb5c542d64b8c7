//! Code shared by the programs: command line, messages, host name, signals, start.

pub(crate) mod cli_values;
pub(crate) mod console;
pub(crate) mod exit_status;
pub(crate) mod host;
pub(crate) mod interruption;
pub(crate) mod outage;
pub(crate) mod queue_progress;
pub(crate) mod replace_file;
pub(crate) mod signals;
pub(crate) mod start;
pub(crate) mod stderr;
pub(crate) mod text;
