//! Hosts that get and release a slot over and over, each on a connection of its own.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::time::{Duration, Instant};

use super::{
    Result,
    connection::{Connection, request},
    poller::Poller,
    server::Server,
};

/// One connection, and what it asks in turn.
#[derive(Debug)]
struct Asker {
    /// Its own.
    connection: Connection,
    /// The request for a slot.
    get: Vec<u8>,
    /// The request that gives it back.
    release: Vec<u8>,
    /// Whether the outstanding answer is that to `get`.
    asked_for_slot: bool,
}

impl Asker {
    /// Connects one host.
    fn connect(server: &Server, host: &str, pool: &str) -> Result<Self> {
        let (get, release) = (request("get", host, pool), request("release", host, pool));
        Ok(Self { connection: Connection::open(server.addr)?, get, release, asked_for_slot: false })
    }

    /// Starts a cycle.
    fn ask(&mut self) -> Result<()> {
        self.asked_for_slot = true;
        self.connection.send(&self.get)
    }

    /// Takes the answer, if it is there: whether the cycle is complete.
    fn advance(&mut self) -> Result<bool> {
        let word = if self.asked_for_slot { "YES" } else { "OK" };
        if !self.connection.has(word)? {
            return Ok(false);
        }
        if !self.asked_for_slot {
            return Ok(true);
        }
        self.asked_for_slot = false;
        self.connection.send(&self.release)?;
        Ok(false)
    }
}

/// Many hosts at once.
pub(crate) struct Askers {
    /// Each under its number.
    askers: Vec<Asker>,
    /// Tells which were answered.
    poller: Poller,
}

impl Askers {
    /// Connects one for each of these pools, as a host of its own.
    pub(crate) fn connect(server: &Server, pools: impl Iterator<Item = String>) -> Result<Self> {
        let poller = Poller::new()?;
        let mut askers = Vec::new();
        for (number, pool) in pools.enumerate() {
            let asker = Asker::connect(server, &format!("host{number:05}"), &pool)?;
            poller.add(&asker.connection, number)?;
            askers.push(asker);
        }
        Ok(Self { askers, poller })
    }

    /// Cycles on all connections, until the time is over and every slot is given back: how often.
    pub(crate) fn cycle_for(&mut self, time: Duration) -> Result<u32> {
        let end = Instant::now() + time;
        self.askers.iter_mut().try_for_each(Asker::ask)?;
        let (mut cycles, mut busy) = (0, self.askers.len());
        while busy > 0 {
            let ready = self.poller.wait()?;
            let time_is_over = Instant::now() >= end;
            for number in ready {
                let asker = &mut self.askers[number];
                if asker.advance()? {
                    cycles += 1;
                    if time_is_over { busy -= 1 } else { asker.ask()? }
                }
            }
        }
        Ok(cycles)
    }
}
