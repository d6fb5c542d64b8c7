//! Two hosts and one slot: the first holds it, the second waits for it.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::{ONE_SLOT, TTL, witness::Witness};
use crate::{
    support::Server,
    wrapper::run::{Run, eventually, wrapper_as},
};

/// `ann` runs her command, and `bob` stands in line.
#[derive(Debug)]
pub(super) struct Pair {
    /// Whom they ask.
    pub(super) server: Server,
    /// Watches their commands.
    pub(super) witness: Witness,
    /// Holds the slot.
    pub(super) ann: Run,
    /// Gets it when she is dead, and ends at once.
    bob: Run,
}

impl Pair {
    /// `ann` does this.
    pub(super) fn start(script: &str) -> Self {
        Self::start_with(script, |_| ())
    }

    /// The same, with something changed about `ann`'s wrapper.
    pub(super) fn start_with(script: &str, change: impl Fn(&mut Command)) -> Self {
        let (server, witness) = (Server::start(ONE_SLOT), Witness::new());
        let wrapper = |host, script| {
            let mut command = wrapper_as(server.addr, host);
            command.env(TTL.0, TTL.1).arg(witness.watches(host, script)).stdin(Stdio::null());
            command
        };
        let mut ann = wrapper("ann", script);
        change(&mut ann);
        let ann = Run::start(&mut ann);
        eventually("ann runs", || witness.has_seen("ann"));
        let bob = Run::start(&mut wrapper("bob", ""));
        eventually("bob waits", || line_of(&server) == 1);
        Self { server, witness, ann, bob }
    }

    /// The slot goes to `bob`, when nothing is alive of `ann`'s command.
    pub(super) fn bob_is_next(&mut self) {
        let (status, said) = self.bob.end();

        assert_eq!((status, said.as_str()), (0, ""));
        assert!(self.witness.has_seen("bob"));
        self.witness.saw_no_overlap();
    }
}

/// How many stand in line for pool `p`.
pub(super) fn line_of(server: &Server) -> u64 {
    let state: Value = serde_json::from_str(&server.get("/v1/pools/p").1).unwrap();
    state["queue"]["length"].as_u64().unwrap()
}
