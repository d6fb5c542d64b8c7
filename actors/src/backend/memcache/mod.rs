//! Leases in memcached: several servers share one truth, and a server that restarts loses nothing.
//!
//! | part | what it is |
//! | --- | --- |
//! | `job` | what a pool wants in one go |
//! | `round`: `plan`, `send`, `look`, `settle` | how a job is done: every change is add, compare-and-swap or compare-and-delete |
//! | `view`, `entry`, `store`, `keys` | what stands in memcached, and where |
//! | `shard`, `gate`, `link`, `stats`, `time` | one memcached: threads, connections, whether it is there, and its clock |

#![expect(dead_code, reason = "no pool uses it yet")]

mod entry;
mod gate;
mod job;
mod keys;
mod link;
mod look;
mod plan;
#[cfg(test)]
mod race_tests;
mod round;
#[cfg(test)]
mod round_tests;
mod send;
mod settle;
mod shard;
mod stats;
mod store;
#[cfg(test)]
mod testing;
mod time;
mod view;
