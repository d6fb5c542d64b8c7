//! How many files this process may have open, and what follows from it.

use log::warn;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not connections: listening sockets, the event loops, the log, the standard streams.
const RESERVED_FDS: usize = 32;

/// Room for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// How many files may be open.
    pub open_files: usize,
    /// How many waits may be parked in all pools together: 90 % of the open files, or of the connections
    /// where there are few, so that a get or a release always finds a descriptor.
    pub parked: usize,
    /// How many connections there may be; more wait to be accepted until one ends.
    pub connections: usize,
}

impl FileLimits {
    /// What follows from so many open files.
    #[must_use]
    pub fn of(open_files: usize) -> Self {
        let connections = open_files.saturating_sub(RESERVED_FDS).max(1);
        let parked = (open_files / 10 * 9).min(connections - connections / 20);
        Self { open_files, parked, connections }
    }
}

/// Raises the limit of open files to what the system allows this process; where it does not allow even that,
/// the limit stays as it was.
#[must_use]
pub fn raise() -> FileLimits {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        warn!(error:%; "open_file_limit_not_raised");
    }
    let current = getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok());
    FileLimits::of(current.unwrap_or(usize::MAX))
}
