//! The configuration file of `distributexd`: what a [`Config`] can say, and how its text is read.
//!
//! `yaml` turns the text into a tree in which every value knows when it was met; `mistakes` finds the lines.
mod anchors;
mod config;
mod host;
mod listen;
mod mistakes;
mod name;
mod node;
mod source;
mod syntax;
mod walk;
mod yaml;

pub use config::{
    Backend, Config, DEFAULT_EXPIRE, DEFAULT_MEMCACHE_HOST, DEFAULT_MEMCACHE_PORT, DEFAULT_PORT,
    LONGEST_EXPIRE, MOST_SLOTS, MOST_WAITERS, Pool, SHORTEST_EXPIRE,
};
pub use listen::{BadListen, Listen};
pub use mistakes::Mistakes;
pub use name::{BadName, Name};
