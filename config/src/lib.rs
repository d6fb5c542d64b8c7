//! The configuration file of `distributexd`: what a [`Config`] can say.
mod config;
mod host;
mod listen;
mod name;

pub use config::{
    Backend, Config, DEFAULT_EXPIRE, DEFAULT_MEMCACHE_HOST, DEFAULT_MEMCACHE_PORT, DEFAULT_PORT,
    LONGEST_EXPIRE, MOST_SLOTS, MOST_WAITERS, Pool, SHORTEST_EXPIRE,
};
pub use listen::{BadListen, Listen};
pub use name::{BadName, Name};
