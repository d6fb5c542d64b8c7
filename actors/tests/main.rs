//! Tests of pools, with a clock that the tests own.

#![expect(clippy::unwrap_used, reason = "these are tests; a failed step ends one of them")]

mod absent_waiters;
mod actor;
mod behavior;
mod leases;
#[cfg(feature = "memcache")]
mod memcached;
mod model;
mod persistence;
mod registry;
mod revoke;
mod rules;
mod state_directory;
mod support;
