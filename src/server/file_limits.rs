//! Open-file limit of the process, and the connection limits derived from it.

use log::warn;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not connections: listening sockets, event loops, log, standard streams.
const RESERVED_FDS: usize = 32;

/// Limits derived from the number of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// Open-file limit.
    pub open_files: usize,
    /// Maximum number of parked requests in all pools: 90 % of the open files, fewer where there are few connections,
    /// so that a get or a release always finds a descriptor.
    pub parked: usize,
    /// Maximum number of connections; more wait to be accepted.
    pub connections: usize,
}

impl FileLimits {
    /// Derives the limits.
    #[must_use]
    pub fn of(open_files: usize) -> Self {
        let connections = open_files.saturating_sub(RESERVED_FDS).max(1);
        let parked = (open_files / 10 * 9).min(connections - connections / 20);
        Self { open_files, parked, connections }
    }
}

/// Raises the open-file limit to the hard limit; where that fails, it stays as it was.
#[must_use]
pub fn raise() -> FileLimits {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        warn!(error:%; "open_file_limit_not_raised");
    }
    let current = getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok());
    FileLimits::of(current.unwrap_or(usize::MAX))
}
