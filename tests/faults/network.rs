//! What is between a host and its server.

use std::process::Command;

/// How a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Everything passes.
    Whole,
    /// Nothing passes, and nobody is told. What was sent arrives when it is whole again.
    Silent,
    /// Nothing passes, and who tries is told at once.
    Broken,
}

/// A network that fails when the test wants it.
pub(super) trait Network {
    /// From now on it is like this.
    fn becomes(&self, state: State);

    /// A wrapper of this host that asks through it.
    fn wrapper(&self, host: &str) -> Command;
}
