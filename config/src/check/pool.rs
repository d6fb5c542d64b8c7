//! The pools of the file.
use std::collections::HashMap;
use std::time::Duration;

use super::servers;
use crate::config::{
    Backend, DEFAULT_EXPIRE, DEFAULT_MAX_WAITERS, MAX_EXPIRE, MAX_MEMCACHE_SLOTS, MAX_SLOTS, MAX_WAITERS,
    MIN_EXPIRE, Pool,
};
use crate::errors::ConfigError;
use crate::name::Name;
use crate::node::{At, Node, Said};
use crate::section::Section;
use crate::value::{self, Unfit, seconds_or_never, unquoted, whole};

/// The keys of a pool.
pub const KEYS: [&str; 5] = ["name", "expire", "maxlocks", "servers", "max_waiters"];

/// Checks every pool, and that no two have the same name; notes the mistakes in `file`.
pub(crate) fn all(items: Vec<Node>, backend: &Backend, file: &mut Section) -> Vec<Pool> {
    let mut pools = Vec::new();
    let mut first: HashMap<Name, At> = HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let at = item.at;
        let (pool, mistakes) = one(item, index + 1, backend);
        file.note_all(mistakes);
        let Some(pool) = pool else { continue };
        match first.get(&pool.name) {
            Some(first) => file.note(twice(&pool.name, at, *first)),
            None => {
                first.insert(pool.name.clone(), at);
            }
        }
        pools.push(pool);
    }
    pools
}

/// The place is that of the pools: their names may both come from one line, through an alias.
fn twice(name: &Name, at: At, first: At) -> ConfigError {
    let problem = format!("another pool is named {name:?}");
    ConfigError { first: Some(first), ..ConfigError::new(at, problem, "give each pool a name of its own") }
}

/// Checks one pool. Without a name there is no pool, only mistakes.
fn one(Node { at, said }: Node, number: usize, backend: &Backend) -> (Option<Pool>, Vec<ConfigError>) {
    let nameless = format!("pool number {number}");
    if let Said::Map(entries) = said {
        return section(Section::open(at, entries), nameless, backend);
    }
    let way_out = "write it as - name: NAME with its other keys below";
    let mistake = ConfigError::new(at, format!("{nameless} is {said}"), way_out);
    (None, vec![mistake])
}

fn section(mut section: Section, nameless: String, backend: &Backend) -> (Option<Pool>, Vec<ConfigError>) {
    let name = section.take_needed("name", "give the pool one, as in - name: pool1", name);
    let expire = section.take("expire", expire).unwrap_or(Some(DEFAULT_EXPIRE));
    let slots = section.take("maxlocks", |said| slots(said, backend)).unwrap_or(1);
    let servers = servers::take(&mut section);
    let max_waiters = section.take("max_waiters", |said| whole(said, 1..=MAX_WAITERS as i128));
    let max_waiters = max_waiters.unwrap_or(DEFAULT_MAX_WAITERS);
    let label = name.as_ref().map_or(nameless, |name| format!("pool {name:?}"));
    let mistakes = section.close(&KEYS, None).into_iter();
    let mistakes = mistakes.map(|mistake| mistake.inside(&label)).collect();
    let pool = name.map(|name| Pool { name, expire, slots, servers, max_waiters });
    (pool, mistakes)
}

fn name(said: &Said) -> Result<Name, Unfit> {
    let name = value::name(said)?;
    if matches!(name.as_str(), "." | "..") {
        return Err(Unfit::new(said, "use another name: in a URL it would mean a directory"));
    }
    Ok(name)
}

fn expire(said: &Said) -> Result<Option<Duration>, Unfit> {
    seconds_or_never(said, MIN_EXPIRE..=MAX_EXPIRE)
}

fn slots(said: &Said, backend: &Backend) -> Result<u32, Unfit> {
    let said = unquoted(said);
    let (most, more) = match backend {
        Backend::InMemory => (MAX_SLOTS, ""),
        Backend::Memcache(_) => (MAX_MEMCACHE_SLOTS, "; more than that need backend: inmemory"),
    };
    let way_out = format!("must be a whole number from 1 to {most}{more}");
    if matches!(said, Said::Whole(0)) {
        return Err(Unfit::because("is 0, so the pool could never grant a slot", way_out));
    }
    whole(&said, 1..=most.into()).map_err(|_| Unfit::new(&said, way_out))
}
