//! Several servers whose leases are in one memcached, all of them real: the servers, the memcached, and what
//! is between them.

mod faults;
mod full;
mod late;
mod levers;
mod memcached;
mod order;
mod paused;
mod polls;
mod proxy;
mod races;
mod shards;
mod shared;
mod starts;
mod text;
mod trouble;
mod watched;

use std::{thread, time::Duration};

/// One slot, and leases that come back soon.
const ONE_SLOT: &str = "pools: [{name: p, expire: 2}]";
/// Three of them.
const THREE_SLOTS: &str = "pools: [{name: p, expire: 2, maxlocks: 3}]";

/// Lets time pass, where time itself is what happens.
#[expect(clippy::disallowed_methods, reason = "something stays as it is for so long")]
fn pass(time: Duration) {
    thread::sleep(time);
}
