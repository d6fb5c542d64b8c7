//! A host that waits in line.

use super::{
    Result,
    connection::{Connection, request},
    line::POOL,
    server::Server,
};

/// One host.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// Its own.
    pub(crate) connection: Connection,
    /// Asks in vain, then waits; see [`Waiter::park`].
    park: Vec<u8>,
    /// Gives its slot back, on the connection of the line.
    pub(crate) release: Vec<u8>,
}

impl Waiter {
    /// Connects host number so-and-so.
    pub(crate) fn connect(server: &Server, number: usize) -> Result<Self> {
        let host = format!("host{number:05}");
        let park = [request("get", "passer-by", POOL), request("wait", &host, POOL)].concat();
        Ok(Self {
            connection: Connection::open(server.addr)?,
            park,
            release: request("release", &host, POOL),
        })
    }

    /// Stands in line for certain when this returns, so that the order of the line is known.
    ///
    /// A parked wait has no answer that would show it. So a `/get` of another host goes before it in the
    /// same packet: the server reads both at once, and has handed on the second before it sends the answer
    /// to the first. It is always refused, because the slot is held and there is a line.
    /// The kernel would acknowledge that answer 40 ms later, and might hold back the next one until then.
    pub(crate) fn park(&mut self) -> Result<()> {
        self.connection.ask(&self.park, "NO")?;
        self.connection.acknowledge()
    }
}
