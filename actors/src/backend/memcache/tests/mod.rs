//! Jobs on a real memcached.

mod full;
mod order;
mod pause;
mod race;
mod revoke;
mod round;
pub(super) mod testing;
