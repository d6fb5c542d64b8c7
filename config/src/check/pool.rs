//! Validation of `pools`.
use std::collections::HashMap;
use std::time::Duration;

use super::hosts;
use crate::check::section::Section;
use crate::check::value::{self, InvalidValue, integer, seconds_or_never, unquoted};
use crate::errors::ConfigError;
use crate::settings::Name;
use crate::settings::{
    Backend, DEFAULT_EXPIRE, DEFAULT_MAX_WAITERS, MAX_EXPIRE, MAX_MEMCACHE_SLOTS, MAX_SLOTS, MAX_WAITERS,
    MIN_EXPIRE, Pool,
};
use crate::yaml::node::{Node, NodeId, Value};

/// The keys of a pool.
pub const KEYS: [&str; 5] = ["name", "expire", "maxlocks", "servers", "max_waiters"];

/// Validates every pool and that names are unique; adds the errors to `file`.
pub(crate) fn all(items: Vec<Node>, backend: &Backend, file: &mut Section) -> Vec<Pool> {
    let mut pools = Vec::new();
    let mut first: HashMap<Name, NodeId> = HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let id = item.id;
        let (pool, errors) = entry(item, index + 1, backend);
        file.add_errors(errors);
        let Some(pool) = pool else { continue };
        match first.get(&pool.name) {
            Some(first) => file.add_error(duplicate(&pool.name, id, *first)),
            None => {
                first.insert(pool.name.clone(), id);
            }
        }
        pools.push(pool);
    }
    pools
}

/// The error is at the pool, not at its name: through an alias, both names may be on one line.
fn duplicate(name: &Name, id: NodeId, first: NodeId) -> ConfigError {
    let problem = format!("another pool is named {name:?}");
    ConfigError { first: Some(first), ..ConfigError::new(id, problem, "give each pool a name of its own") }
}

/// Validates one pool. Without a valid name, only its errors are returned.
fn entry(Node { id, value }: Node, number: usize, backend: &Backend) -> (Option<Pool>, Vec<ConfigError>) {
    let unnamed = format!("pool number {number}");
    if let Value::Map(entries) = value {
        return section(Section::open(id, entries), unnamed, backend);
    }
    let hint = "write it as - name: NAME with its other keys below";
    let error = ConfigError::new(id, format!("{unnamed} is {value}"), hint);
    (None, vec![error])
}

fn section(mut section: Section, unnamed: String, backend: &Backend) -> (Option<Pool>, Vec<ConfigError>) {
    let name = section.take_required("name", "give the pool one, as in - name: pool1", name);
    let expire = section.take("expire", expire).unwrap_or(Some(DEFAULT_EXPIRE));
    let slots = section.take("maxlocks", |value| slots(value, backend)).unwrap_or(1);
    let servers = hosts::take(&mut section);
    let max_waiters = section.take("max_waiters", |value| integer(value, 1..=MAX_WAITERS as i128));
    let max_waiters = max_waiters.unwrap_or(DEFAULT_MAX_WAITERS);
    let label = name.as_ref().map_or(unnamed, |name| format!("pool {name:?}"));
    let errors = section.close(&KEYS, None).into_iter();
    let errors = errors.map(|error| error.inside(&label)).collect();
    let pool = name.map(|name| Pool { name, expire, slots, servers, max_waiters });
    (pool, errors)
}

fn name(value: &Value) -> Result<Name, InvalidValue> {
    let name = value::name(value)?;
    if matches!(name.as_str(), "." | "..") {
        return Err(InvalidValue::new(value, "use another name: in a URL it would mean a directory"));
    }
    Ok(name)
}

fn expire(value: &Value) -> Result<Option<Duration>, InvalidValue> {
    seconds_or_never(value, MIN_EXPIRE..=MAX_EXPIRE)
}

fn slots(value: &Value, backend: &Backend) -> Result<u32, InvalidValue> {
    let value = unquoted(value);
    let (most, more) = match backend {
        Backend::InMemory => (MAX_SLOTS, ""),
        Backend::Memcache(_) => (MAX_MEMCACHE_SLOTS, "; more than that need backend: inmemory"),
    };
    let hint = format!("must be a whole number from 1 to {most}{more}");
    if matches!(value, Value::Integer(0)) {
        return Err(InvalidValue::because("is 0, so the pool could never grant a slot", hint));
    }
    integer(&value, 1..=most.into()).map_err(|_| InvalidValue::new(&value, hint))
}
