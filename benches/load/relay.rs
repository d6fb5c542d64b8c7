//! A slot that goes to and fro between two hosts, each at a server of its own.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the system's clock is what is measured here, and every relay has a thread of its own"
)]

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Result,
    connection::{Connection, request},
    server::Server,
};

/// A holder keeps the slot for at least this long: until the other's wait is parked.
const MIN_DELAY: Duration = Duration::from_millis(30);

/// And for up to so much longer, so that it releases at any time between two looks of the other's server.
const SPREAD: Duration = Duration::from_millis(250);

/// The golden ratio: its multiples, without their whole parts, lie evenly between 0 and 1.
const EVEN: f64 = 0.618_033_988_749_894_9;

/// Two hosts and their slot. The first one holds it.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Who holds and who waits.
    hosts: [Host; 2],
    /// Decides how long the slot is held.
    moment: f64,
}

/// One of the two.
#[derive(Debug)]
struct Host {
    /// To its server.
    connection: Connection,
    /// Asks for the slot until it has it.
    wait: Vec<u8>,
    /// Gives it back.
    release: Vec<u8>,
}

impl Relay {
    /// Connects a host to either server; the first one gets the slot. Relays of different numbers release at
    /// different times.
    pub(crate) fn new(servers: &[Server; 2], pool: &str, number: usize) -> Result<Self> {
        let mut hosts =
            [Host::connect(&servers[0], "first", pool)?, Host::connect(&servers[1], "second", pool)?];
        let [holder, waiter] = &mut hosts;
        holder.connection.ask(&holder.wait, "YES")?;
        waiter.connection.send(&waiter.wait)?;
        Ok(Self { hosts, moment: number as f64 / 7.0 })
    }

    /// Each with a thread of its own, so many hand-offs one after another: how long they took.
    pub(crate) fn run_all(relays: &mut [Self], handoffs: usize) -> Result<Vec<Duration>> {
        thread::scope(|scope| {
            let threads: Vec<_> =
                relays.iter_mut().map(|relay| scope.spawn(move || relay.run(handoffs))).collect();
            let latencies =
                threads.into_iter().map(|thread| thread.join().map_err(|_| "a relay panicked")?);
            Ok(latencies.collect::<Result<Vec<_>>>()?.concat())
        })
    }

    /// So many hand-offs.
    fn run(&mut self, handoffs: usize) -> Result<Vec<Duration>> {
        (0..handoffs).map(|_| self.hand_off()).collect()
    }

    /// The holder releases after a while, and waits again once the other has the slot: how long that took.
    fn hand_off(&mut self) -> Result<Duration> {
        self.moment = (self.moment + EVEN).fract();
        thread::sleep(MIN_DELAY + SPREAD.mul_f64(self.moment));
        let [holder, waiter] = &mut self.hosts;
        let start = Instant::now();
        holder.connection.send(&holder.release)?;
        waiter.connection.awaits("YES")?;
        let latency = start.elapsed();
        holder.connection.awaits("OK")?;
        holder.connection.send(&holder.wait)?;
        self.hosts.swap(0, 1);
        Ok(latency)
    }
}

impl Host {
    /// Connects it.
    fn connect(server: &Server, host: &str, pool: &str) -> Result<Self> {
        let (wait, release) = (request("wait", host, pool), request("release", host, pool));
        Ok(Self { connection: Connection::open(server.addr)?, wait, release })
    }
}
