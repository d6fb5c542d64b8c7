//! The operator's tool, as people and scripts use it: the real program against the real server.

mod acquire;
mod admin;
mod completions;
mod events;
mod lease_file;
mod manual;
mod operator;
mod servers;
mod status;
mod statuses;
mod watch;
mod why;

use std::{net::SocketAddr, process::Command};

use serde_json::Value;

use crate::{support::Server, wrapper::run::ended};

/// A server's configuration: one pool of one slot, for every host.
const ONE_SLOT: &str = "pools: [{name: p, expire: 300}]";

/// The tool, with this server to ask.
fn ctl(addr: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexctl"));
    command.args(["-H", &addr.to_string()]);
    command
}

/// A lease of pool `p`, acquired by this host: its id.
fn acquired(server: &Server, host: &str) -> String {
    let (code, id, said) = ended(ctl(server.addr).args(["acquire", "p", "--host", host]));
    assert_eq!((code, said.as_str()), (0, ""));
    id.trim_end().to_owned()
}

/// How it stands with pool `p`.
fn state(server: &Server) -> Value {
    serde_json::from_str(&server.get("/v1/pools/p").1).unwrap()
}

/// Whether somebody holds a slot of pool `p`.
fn is_held(server: &Server) -> bool {
    state(server)["held"] != 0
}
