//! A host that waits in line.

use super::{
    Result,
    connection::{Connection, post, request},
    line::POOL,
    server::Server,
};

/// One host.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// Its own.
    pub(crate) connection: Connection,
    /// Waits for a slot.
    wait: Vec<u8>,
    /// Gives its slot back, on the connection of the line.
    pub(crate) release: Vec<u8>,
}

impl Waiter {
    /// Connects host number so-and-so.
    pub(crate) fn connect(server: &Server, number: usize) -> Result<Self> {
        let host = format!("host{number:05}");
        Ok(Self {
            connection: Connection::open(server.addr)?,
            wait: request("wait", &host, POOL),
            release: request("release", &host, POOL),
        })
    }

    /// Enters the queue, in which `waiting` others are, and returns when it is certainly there, so that the order
    /// of the queue is known.
    ///
    /// A parked wait has no response that would show it. So `probe` asks for its own position until that is the
    /// one behind this waiter.
    pub(crate) fn park(&mut self, waiting: usize, probe: &mut Probe) -> Result<()> {
        self.connection.send(&self.wait)?;
        while probe.position()? <= waiting + 1 {}
        Ok(())
    }
}

/// A connection that asks for its position in the queue, and never enters it.
#[derive(Debug)]
pub(crate) struct Probe {
    connection: Connection,
    /// A try.
    request: Vec<u8>,
}

impl Probe {
    /// Connects it.
    pub(crate) fn connect(server: &Server) -> Result<Self> {
        let request = post("acquire", POOL, r#"{"host":"probe"}"#);
        Ok(Self { connection: Connection::open(server.addr)?, request })
    }

    /// The number of waiters plus one.
    fn position(&mut self) -> Result<usize> {
        self.connection.position(&self.request)
    }
}
