//! Faults: networks that are cut, processes that are killed or stand still, servers that come and go, clocks
//! that jump. Server, wrappers and commands are real; whatever happens, no two commands of a pool with one
//! slot ever run at once.

pub(crate) mod chance;
pub(crate) mod clock;
mod fight;
mod frozen;
mod jumps;
mod killed;
mod namespaces;
mod network;
mod pair;
mod partition;
mod proxy;
pub(crate) mod restart;
mod stubborn;
mod terminal;
pub(crate) mod witness;

use std::{thread, time::Duration};

/// A pool with one slot.
const ONE_SLOT: &str = "pools: [{name: p, expire: 300}]";
/// The wrapper's option for how long a lease lives that is not renewed, and its value here: the command gets
/// KILL a second before that, and TERM half a second before KILL.
const TTL: (&str, &str) = ("DISTRIBUTEX_TTL", "3");
/// The same: when so much time has passed without a renewal, the slot is the next one's.
const LEASE: Duration = Duration::from_secs(3);

/// Lets time pass, where time itself is what happens.
#[expect(clippy::disallowed_methods, reason = "the network stays cut, the clock stays wrong for so long")]
fn pass(time: Duration) {
    thread::sleep(time);
}
