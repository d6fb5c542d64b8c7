//! Many who wait behind a holder that keeps its slot.

use std::time::Duration;

use super::{
    Result,
    connection::{Connection, request},
    line::POOL,
    poller::Poller,
    server::Server,
};

/// How many ask and go before anybody waits: what the server takes once is not the waiters'.
const WARM_UP: usize = 200;

/// The waiters, and what tells if one of them is answered.
pub(crate) struct Crowd {
    /// Every one with a parked wait.
    waiters: Vec<Connection>,
    /// Watches them all.
    poller: Poller,
}

impl Crowd {
    /// Somebody takes the slot for good. Others come and go, and nobody waits yet.
    pub(crate) fn behind_one_holder(server: &Server) -> Result<Self> {
        let get = request("get", "holder", POOL);
        let mut askers = (0..WARM_UP).map(|_| Connection::open(server.addr)).collect::<Result<Vec<_>>>()?;
        askers.iter_mut().try_for_each(|asker| asker.ask(&get, "YES"))?;
        Ok(Self { waiters: Vec::new(), poller: Poller::new()? })
    }

    /// Parks waiters until there are so many.
    pub(crate) fn grow(&mut self, server: &Server, size: usize) -> Result<()> {
        for number in self.waiters.len()..size {
            let mut waiter = Connection::open(server.addr)?;
            waiter.send(&request("wait", &format!("host{number:05}"), POOL))?;
            self.poller.add(&waiter, number)?;
            self.waiters.push(waiter);
        }
        Ok(())
    }

    /// Lets time pass, in which nobody may be answered.
    pub(crate) fn sit(&mut self, time: Duration) -> Result<()> {
        if self.poller.is_quiet_for(time)? {
            return Ok(());
        }
        Err("a wait was answered or cut off while the slot was held".into())
    }
}
