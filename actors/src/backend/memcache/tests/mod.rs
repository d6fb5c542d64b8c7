//! Jobs on a real memcached.

mod full;
mod order;
mod pause;
mod proxy;
mod race;
mod revoke;
mod round;
mod store;
pub(super) mod testing;
