//! Pools under a clock that the tests own.

#![expect(clippy::unwrap_used, reason = "these are tests; a failed step ends one of them")]

mod absent;
mod actor;
mod behaviour;
mod kept;
mod leases;
#[cfg(feature = "memcache")]
mod memcached;
mod model;
mod registry;
mod revoke;
mod rules;
mod support;
