//! Configuration file of `distributexd`, from its text to a valid [`Config`].
//!
//! ```text
//!  source ──► yaml ──► check ──► Config
//!  the text   a tree    defaults  or ConfigErrors,
//!             of nodes  + limits  each with its line
//! ```
//!
//! `yaml` parses the text into a tree of numbered values. `check` validates the tree, adds the defaults and collects
//! all errors instead of stopping at the first one. `errors` finds their lines. The samples `config/distributex.yaml`
//! and `config/memcache.yaml` explain every key.
//!
//! ```
//! let errors = distributex_config::parse("pools:\n  - name: pool1\n    max_locks: 3", "my.yaml").unwrap_err();
//! assert_eq!(errors.to_string(), r#"my.yaml:3: pool "pool1": unknown key "max_locks"; did you mean maxlocks?"#);
//! ```
mod check;
mod errors;
mod settings;
mod source;
mod yaml;

use std::path::Path;

pub use check::KEYS;
pub use check::admin::KEYS as ADMIN_KEYS;
pub use check::limits::KEYS as LIMIT_KEYS;
pub use check::memcache::KEYS as MEMCACHE_KEYS;
pub use check::pool::KEYS as POOL_KEYS;
pub use errors::ConfigErrors;
pub use settings::*;

/// Reads and validates the configuration file at `path`.
///
/// # Errors
/// All errors of the file, or the reason why it cannot be read.
pub fn read(path: &Path) -> Result<Config, ConfigErrors> {
    let file = path.display().to_string();
    match source::text(path) {
        Ok(text) => parse(&text, &file),
        Err(error) => Err(ConfigErrors::new(&file, "", vec![error])),
    }
}

/// Validates `text`, the contents of a configuration file; errors name it `file`.
///
/// # Errors
/// All errors of the text.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigErrors> {
    let checked = match yaml::tree(text) {
        Ok(tree) => check::config(tree),
        Err(error) => Err(vec![error]),
    };
    checked.map_err(|found| ConfigErrors::new(file, text, found))
}
