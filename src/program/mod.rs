//! What the programs that ask for slots have in common: how they are told what to do, what this host is
//! called, what they say while they wait, and what ends the waiting.

pub(crate) mod cli_values;
pub(crate) mod console;
pub(crate) mod host;
pub(crate) mod interruption;
pub(crate) mod outage;
pub(crate) mod queue_progress;
pub(crate) mod replace_file;
pub(crate) mod signals;
pub(crate) mod start;
pub(crate) mod stderr;
pub(crate) mod text;
