//! The configuration file of `distributexd`, from its text to a [`Config`] the server can trust.
//!
//! ```text
//!  source ──► yaml ──► check ──► Config
//!  the text   what it  defaults  or all Mistakes,
//!             says     + limits  each with its line
//! ```
//!
//! `yaml` turns the text into a tree in which every value knows when it was met. `check` takes the tree
//! apart, fills in the defaults and collects what is wrong instead of stopping at the first mistake;
//! `mistakes` finds the lines. The samples `config/distributex.yaml` and, for what is about memcached alone,
//! `config/memcache.yaml` explain every key.
//!
//! ```
//! let told = distributex_config::parse("pools:\n  - name: pool1\n    max_locks: 3", "my.yaml").unwrap_err();
//! assert_eq!(told.to_string(), r#"my.yaml:3: pool "pool1": unknown key "max_locks"; did you mean maxlocks?"#);
//! ```
mod anchors;
mod check;
mod config;
mod duration;
mod errors;
mod host;
mod keys;
mod listen;
mod merge;
mod name;
mod node;
mod operator;
mod section;
mod source;
mod syntax;
mod value;
mod walk;
mod yaml;

use std::path::Path;

pub use check::KEYS;
pub use check::admin::KEYS as ADMIN_KEYS;
pub use check::limits::KEYS as LIMIT_KEYS;
pub use check::memcache::KEYS as MEMCACHE_KEYS;
pub use check::pool::KEYS as POOL_KEYS;
pub use config::{
    Backend, Config, DEFAULT_ABSENT_PER_HOST, DEFAULT_EXPIRE, DEFAULT_MAX_PATIENCE, DEFAULT_MAX_WAIT,
    DEFAULT_MAX_WAITERS, DEFAULT_MEMCACHE_CONNECTIONS, DEFAULT_MEMCACHE_HOST, DEFAULT_MEMCACHE_OUTAGE,
    DEFAULT_MEMCACHE_POLL, DEFAULT_MEMCACHE_PORT, DEFAULT_MEMCACHE_PREFIX, DEFAULT_MEMCACHE_TIMEOUT,
    DEFAULT_PORT, Limits, MAX_EXPIRE, MAX_LIMIT, MAX_MEMCACHE_SLOTS, MAX_SLOTS, MAX_TIME_LIMIT, MAX_WAITERS,
    MIN_EXPIRE, MIN_TIME_LIMIT, MemcacheServer, MemcacheSettings, Pool,
};
pub use duration::parse_duration;
pub use errors::ConfigErrors;
pub use listen::{BadListen, Listen};
pub use name::{BadName, Name};
pub use operator::{
    Admin, AdminKey, DEFAULT_EVENT_BUFFER, DEFAULT_HISTORY_RUNS, MAX_EVENT_BUFFER, MAX_HISTORY_RUNS,
    MAX_SOCKET_BYTES, TelemetrySettings,
};

/// Reads and checks the configuration file at `path`.
///
/// # Errors
/// Every mistake of the file, or why it cannot be read.
pub fn read(path: &Path) -> Result<Config, ConfigErrors> {
    let file = path.display().to_string();
    match source::text(path) {
        Ok(text) => parse(&text, &file),
        Err(mistake) => Err(ConfigErrors::new(&file, "", vec![mistake])),
    }
}

/// Checks `text`, the contents of a configuration file; `file` is what the mistakes call it.
///
/// # Errors
/// Every mistake of the text.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigErrors> {
    let checked = match yaml::tree(text) {
        Ok(tree) => check::config(tree),
        Err(mistake) => Err(vec![mistake]),
    };
    checked.map_err(|found| ConfigErrors::new(file, text, found))
}
