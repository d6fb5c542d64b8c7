//! A line of waiters behind one slot, and the slot going from one to the next.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    collections::VecDeque,
    mem,
    time::{Duration, Instant},
};

use super::{
    Result,
    connection::{Connection, request},
    poller::Poller,
    server::Server,
    waiter::{Probe, Waiter},
};

/// The pool that everybody waits for.
pub(crate) const POOL: &str = "line";

/// The one slot that everybody wants. It does not expire while a long line is being parked.
pub(crate) const CONFIGURATION: &str =
    "backend: inmemory\npools:\n  - { name: line, expire: 0, maxlocks: 1 }\n";

/// How long one hand-off took.
pub(crate) struct Handoff {
    /// Until the next waiter's `YES` was read.
    pub(crate) served: Duration,
    /// Until the release was acknowledged too.
    pub(crate) all_answered: Duration,
    /// The round trip of a question that changes nothing, right after it: what a request costs now.
    pub(crate) plain_get: Duration,
}

/// A full line, and who holds the slot.
pub(crate) struct Line {
    /// All hosts, the holder too.
    waiters: Vec<Waiter>,
    /// The numbers of those who wait, as they were parked.
    order: VecDeque<usize>,
    /// The number of the one who does not.
    holder: usize,
    /// On which all releases are sent. Its number is that after the last waiter's.
    control: Connection,
    /// Asks for the slot in vain, on the same connection.
    passer_by: Vec<u8>,
    /// Shows that a waiter is in the queue.
    probe: Probe,
    /// Tells who was answered.
    poller: Poller,
    /// How often a waiter was served before one that had waited longer.
    pub(crate) out_of_order: usize,
}

impl Line {
    /// Host 0 takes the slot, and the others line up behind it.
    pub(crate) fn park(server: &Server, size: usize) -> Result<Self> {
        let poller = Poller::new()?;
        let mut probe = Probe::connect(server)?;
        let mut waiters = Vec::with_capacity(size + 1);
        for number in 0..=size {
            let mut waiter = Waiter::connect(server, number)?;
            if number == 0 {
                waiter.connection.ask(&request("get", "host00000", POOL), "YES")?;
            } else {
                waiter.park(number - 1, &mut probe)?;
            }
            poller.add(&waiter.connection, number)?;
            waiters.push(waiter);
        }
        let control = Connection::open(server.addr)?;
        poller.add(&control, waiters.len())?;
        Ok(Self {
            waiters,
            order: (1..=size).collect(),
            holder: 0,
            control,
            passer_by: request("get", "passer-by", POOL),
            probe,
            poller,
            out_of_order: 0,
        })
    }

    /// Releases the holder's slot, sees who gets it, and sends the former holder to the end of the line.
    pub(crate) fn hand_off(&mut self) -> Result<Handoff> {
        let start = Instant::now();
        self.control.send(&self.waiters[self.holder].release)?;
        let (next, served) = self.answers(start)?;
        let all_answered = start.elapsed();
        self.leave_line(next)?;
        let former = mem::replace(&mut self.holder, next);
        self.waiters[former].park(self.order.len(), &mut self.probe)?;
        self.order.push_back(former);
        let plain_get = self.plain_get()?;
        Ok(Handoff { served, all_answered, plain_get })
    }

    /// Reads the answer to the release and that to one wait: whose wait, and when.
    fn answers(&mut self, start: Instant) -> Result<(usize, Duration)> {
        let (mut served, mut released) = (None, false);
        loop {
            for number in self.poller.wait()? {
                if number == self.waiters.len() {
                    released |= self.control.has("OK")?;
                } else if self.waiters[number].connection.has("YES")? {
                    let now = start.elapsed();
                    alone(served.replace((number, now)), number)?;
                }
            }
            if let (Some(served), true) = (served, released) {
                return Ok(served);
            }
        }
    }

    /// Takes a served waiter out of the known order, and counts if it was not the first.
    fn leave_line(&mut self, number: usize) -> Result<()> {
        let place = self.order.iter().position(|&waiting| waiting == number);
        let place = place.ok_or_else(|| format!("host {number} got a slot and was not in line"))?;
        self.out_of_order += usize::from(place > 0);
        self.order.remove(place);
        Ok(())
    }

    /// Asks for the slot in vain: how long that took.
    fn plain_get(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.control.ask(&self.passer_by, "NO")?;
        Ok(start.elapsed())
    }
}

/// One slot, one holder.
fn alone(other: Option<(usize, Duration)>, number: usize) -> Result<()> {
    other.map_or(Ok(()), |(other, _)| Err(format!("hosts {other} and {number} hold the same slot").into()))
}
