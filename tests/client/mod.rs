//! The client library, over real sockets: against the real server, and against one that answers what the
//! test wants where the real one cannot be made to.

mod asking;
mod by_id;
mod events;
mod keeping;
mod leaving;
mod looking;
mod operating;
mod real;
mod stores;

use std::time::Duration;

use distributex_client::{AcquireOptions, Client, Server};

/// An ask of web1 for pool `p`.
fn ask() -> AcquireOptions {
    AcquireOptions::new("p", "web1").ttl(Duration::from_secs(30))
}

/// A client of these servers.
fn client(addrs: &[std::net::SocketAddr]) -> Client {
    let list: Vec<_> = addrs.iter().map(ToString::to_string).collect();
    Client::new(Server::parse_list(&list.join(","), 9889).unwrap())
}
