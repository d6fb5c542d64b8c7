//! A hundred hosts that want the slots of a pool, again and again, and ask any of its servers for everything.

use std::{
    mem,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{runtime, task::JoinSet};

use super::{
    history::{Grant, History},
    host::{self, Host},
};
use crate::{faults::chance::Chance, wrapper::run::eventually};

/// How many hosts there are.
const HOSTS: usize = 100;
/// When all is well again, every server gives so many more slots: it has not only survived.
const GO_ON: usize = 3;

/// Something at an address that stays the same, whatever becomes of it.
pub(crate) trait At {
    /// Where it is.
    fn addr(&self) -> SocketAddr;
}

/// What hosts fight for.
#[derive(Debug)]
pub(crate) struct Fight {
    /// Where its servers are.
    pub(super) servers: Vec<SocketAddr>,
    /// The pools, and what happens to them.
    pools: Vec<(&'static str, Mutex<History>)>,
    /// How long a host has its slot, at most, if it gives it back.
    pub(super) work: Duration,
    /// How many slots each of the servers has given.
    given: Vec<AtomicUsize>,
    /// Whether it is over.
    is_over: AtomicBool,
}

/// When this goes out of scope, the fight is over: also when its test failed.
struct Over<'fight>(&'fight Fight);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

impl Fight {
    /// Lets the hosts fight for so many slots of pool `p` while `trouble` is made, and until every server has
    /// given more of them afterwards: what they saw.
    #[cfg(feature = "memcache")]
    pub(crate) fn of<M: At>(
        slots: usize,
        members: &mut [M],
        trouble: impl FnOnce(&Self, &mut [M]),
    ) -> History {
        Self::of_pools(&["p"], slots, members, trouble).remove(0)
    }

    /// The same with so many slots of each of these pools.
    #[cfg(feature = "memcache")]
    pub(crate) fn of_pools<M: At>(
        pools: &[&'static str],
        slots: usize,
        members: &mut [M],
        trouble: impl FnOnce(&Self, &mut [M]),
    ) -> Vec<History> {
        Self::of_workers(host::WORK, pools, slots, members, trouble)
    }

    /// The same among hosts that have their slots for so long, at most.
    pub(crate) fn of_workers<M: At>(
        work: Duration,
        pools: &[&'static str],
        slots: usize,
        members: &mut [M],
        trouble: impl FnOnce(&Self, &mut [M]),
    ) -> Vec<History> {
        let fight = Arc::new(Self {
            work,
            servers: members.iter().map(At::addr).collect(),
            pools: pools.iter().map(|pool| (*pool, Mutex::new(History::new(slots)))).collect(),
            given: members.iter().map(|_| AtomicUsize::new(0)).collect(),
            is_over: AtomicBool::new(false),
        });
        thread::scope(|scope| {
            let over = Over(&fight);
            scope.spawn(|| runs(&fight));
            trouble(&fight, members);
            fight.goes_on();
            drop(over);
        });
        let history =
            |(_, history): &(_, Mutex<_>)| mem::replace(&mut *history.lock().unwrap(), History::new(0));
        fight.pools.iter().map(history).collect()
    }

    /// Returns when this many more slots have been given.
    pub(crate) fn gives(&self, more: usize) {
        let given = || self.given.iter().map(|given| given.load(Ordering::Relaxed)).sum::<usize>();
        let before = given();
        eventually("slots are given", || given() >= before + more);
    }

    /// Returns when every server has given slots.
    fn goes_on(&self) {
        for (number, given) in self.given.iter().enumerate() {
            let before = given.load(Ordering::Relaxed);
            let what = format!("server {number} gives slots");
            eventually(&what, || given.load(Ordering::Relaxed) >= before + GO_ON);
        }
    }

    /// The store has lost all it knew.
    #[cfg(feature = "memcache")]
    pub(crate) fn store_was_lost(&self, begin: tokio::time::Instant, end: tokio::time::Instant) {
        for (_, history) in &self.pools {
            history.lock().unwrap().store_was_lost(begin, end);
        }
    }

    /// A host got a slot.
    pub(super) fn was_given_by(&self, server: usize) {
        self.given[server].fetch_add(1, Ordering::Relaxed);
    }

    /// The pool that the host of this number wants.
    pub(super) fn pool_of(&self, host: usize) -> &'static str {
        self.of_host(host).0
    }

    /// The host of this number is done with a slot.
    pub(super) fn saw(&self, host: usize, grant: Grant) {
        self.of_host(host).1.lock().unwrap().add(grant);
    }

    /// Hosts of every kind want each of the pools.
    fn of_host(&self, host: usize) -> &(&'static str, Mutex<History>) {
        &self.pools[host / host::KINDS % self.pools.len()]
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// All hosts, until it is over.
fn runs(fight: &Arc<Fight>) {
    let mut chance = Chance::new();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let host = |number| Host::new(number, Arc::clone(fight), chance.another()).lives();
        let hosts: JoinSet<()> = (0..HOSTS).map(host).collect();
        hosts.join_all().await; // who failed fails the test
    });
}
