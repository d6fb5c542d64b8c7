//! Says which of many connections have something to read.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
};

use super::{Result, connection::Connection, failed_to};

/// How long a server may be silent while an answer is due, before the run is given up.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long it is looked for an answer before this side sleeps.
const AWAKE: Duration = Duration::from_millis(1);

/// So many connections are looked at between two system calls.
const BATCH: usize = 256;

/// Connections by their numbers, level triggered: what was not read is told again.
pub(crate) struct Poller {
    /// The kernel's side.
    epoll: OwnedFd,
    /// What the last call told.
    ready: Vec<Event>,
}

impl Poller {
    /// Watches nothing yet.
    pub(crate) fn new() -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(failed_to("create an epoll"))?;
        Ok(Self { epoll, ready: Vec::with_capacity(BATCH) })
    }

    /// Watches this connection under this number, until it is closed.
    pub(crate) fn add(&self, connection: &Connection, number: usize) -> Result<()> {
        let data = EventData::new_u64(number as u64);
        epoll::add(&self.epoll, connection, data, EventFlags::IN).map_err(failed_to("watch a connection"))
    }

    /// Waits until at least one connection is readable, and tells the numbers of all that are. Looks again
    /// and again before it sleeps: the waking of this side's core is nothing that the server could help.
    ///
    /// # Errors
    /// When none was within [`PATIENCE`].
    pub(crate) fn wait(&mut self) -> Result<impl Iterator<Item = usize>> {
        let start = Instant::now();
        let mut patience = Duration::ZERO;
        while self.is_quiet_for(patience)? {
            if patience == RESPONSE_TIMEOUT {
                return Err(format!("no answer within {RESPONSE_TIMEOUT:?}").into());
            }
            if start.elapsed() > AWAKE {
                patience = RESPONSE_TIMEOUT;
            }
        }
        Ok(self.ready.iter().map(|event| event.data.u64() as usize))
    }

    /// Whether nothing became readable in this time; returns at the first that does.
    pub(crate) fn is_quiet_for(&mut self, time: Duration) -> Result<bool> {
        self.ready.clear();
        let count = epoll::wait(&self.epoll, spare_capacity(&mut self.ready), Some(&time.try_into()?))?;
        Ok(count == 0)
    }
}
