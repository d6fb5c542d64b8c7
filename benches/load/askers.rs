//! Hosts that get and release a slot over and over, each on a connection of its own.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::time::{Duration, Instant};

use super::{
    Result,
    connection::{Connection, LEASE_LENGTH, post, request},
    poller::Poller,
    server::Server,
};

/// In which words hosts ask.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protocol {
    /// `GET /get`, then `GET /release`.
    Classic,
    /// `POST …/acquire` with an owner, then `POST …/release` with the lease.
    V1,
}

/// One connection, and what it asks in turn.
#[derive(Debug)]
struct Asker {
    /// Its own.
    connection: Connection,
    /// The request for a slot.
    get: Vec<u8>,
    /// The request that gives it back.
    release: Vec<u8>,
    /// Where in it the name of the lease belongs; nowhere in the classic protocol.
    lease_at: Option<usize>,
    /// Whether the outstanding answer is that to `get`.
    asked_for_slot: bool,
}

impl Asker {
    /// Connects one host.
    fn connect(server: &Server, host: &str, pool: &str, protocol: Protocol) -> Result<Self> {
        let (get, release, lease_at) = match protocol {
            Protocol::Classic => (request("get", host, pool), request("release", host, pool), None),
            Protocol::V1 => {
                let owner = format!(r#"{{"host":"{host}","owner":"owner-of-{host}","ttl":60}}"#);
                let lease = format!(r#"{{"lease":"{}"}}"#, "0".repeat(LEASE_LENGTH));
                let release = post("release", pool, &lease);
                let lease_at = release.len() - LEASE_LENGTH - r#""}"#.len();
                (post("acquire", pool, &owner), release, Some(lease_at))
            }
        };
        Ok(Self { connection: Connection::open(server.addr)?, get, release, lease_at, asked_for_slot: false })
    }

    /// Starts a cycle.
    fn ask(&mut self) -> Result<()> {
        self.asked_for_slot = true;
        self.connection.send(&self.get)
    }

    /// Takes the answer, if it is there: whether the cycle is complete.
    fn advance(&mut self) -> Result<bool> {
        if !self.asked_for_slot {
            return self.connection.has(if self.lease_at.is_some() { "" } else { "OK" });
        }
        if !self.has_slot()? {
            return Ok(false);
        }
        self.asked_for_slot = false;
        self.connection.send(&self.release)?;
        Ok(false)
    }

    /// Whether the slot is there; then the release names its lease.
    fn has_slot(&mut self) -> Result<bool> {
        let Some(at) = self.lease_at else { return self.connection.has("YES") };
        let Some(lease) = self.connection.lease()? else { return Ok(false) };
        self.release[at..at + LEASE_LENGTH].copy_from_slice(&lease);
        Ok(true)
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
    pub(crate) fn connect(
        server: &Server,
        pools: impl Iterator<Item = String>,
        protocol: Protocol,
    ) -> Result<Self> {
        let poller = Poller::new()?;
        let mut askers = Vec::new();
        for (number, pool) in pools.enumerate() {
            let asker = Asker::connect(server, &format!("host{number:05}"), &pool, protocol)?;
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
