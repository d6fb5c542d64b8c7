//! Validation of the memcache backend's keys. They are validated with every backend: existing files have them beside
//! `backend: inmemory`, and changing that word must not reveal older errors.
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::check::section::Section;
use crate::check::value::{InvalidValue, integer, seconds, unquoted};
use crate::errors::ConfigError;
use crate::settings::host::{is_host, split};
use crate::settings::{DEFAULT_MEMCACHE_HOST, DEFAULT_MEMCACHE_PORT, MemcacheServer, MemcacheSettings};
use crate::yaml::node::{Node, NodeId, Value};

/// The keys of `memcache`.
pub const KEYS: [&str; 6] = ["servers", "connections", "timeout", "prefix", "poll", "outage"];

/// Each connection has a thread of its own.
const CONNECTIONS: RangeInclusive<i128> = 1..=64;
/// A shorter timeout would report a busy memcached as unreachable.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(60);
/// A shorter interval would keep memcached busy with reads alone.
const POLL: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_secs(60);
/// With 0, waiting requests are refused at once.
const OUTAGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);
/// A memcached key has at most 250 bytes and includes the pool's name.
const MAX_PREFIX_LENGTH: usize = 64;

/// The host of a memcached and its port, if given.
type Server = (String, Option<u16>);

/// Takes `memcachehost`, `memcacheport` and the section `memcache`.
pub(super) fn take(file: &mut Section) -> MemcacheSettings {
    let single_id = file.id_of("memcachehost").or(file.id_of("memcacheport"));
    let port = file.take("memcacheport", |value| integer(&unquoted(value), 1..=65535));
    let port = port.unwrap_or(DEFAULT_MEMCACHE_PORT);
    let host = file.take("memcachehost", host).unwrap_or_else(|| DEFAULT_MEMCACHE_HOST.to_owned());
    let single_server =
        MemcacheSettings { servers: vec![MemcacheServer { host, port }], ..MemcacheSettings::default() };
    let Some(Node { id, value }) = file.take_node("memcache") else { return single_server };
    let Value::Map(entries) = value else {
        let hint = format!("write it as memcache: with the keys {} below", KEYS.join(", "));
        file.add_error(InvalidValue::new(&value, hint).of("memcache", id));
        return single_server;
    };
    let mut section = Section::open(id, entries);
    let settings = settings(&mut section, single_id, single_server);
    let errors = section.close(&KEYS, None).into_iter();
    file.add_errors(errors.map(|error| error.inside("memcache")).collect());
    settings
}

/// Takes the keys of the section. `single` is the `memcachehost` or `memcacheport` outside of it, if given.
fn settings(
    section: &mut Section,
    single_id: Option<NodeId>,
    single_server: MemcacheSettings,
) -> MemcacheSettings {
    let servers = servers(section, single_id);
    let connections = section.take("connections", |value| integer(&unquoted(value), CONNECTIONS));
    let prefix = section.take("prefix", prefix);
    let mut time =
        |key, range: &RangeInclusive<Duration>| section.take(key, |value| seconds(value, range.clone()));
    let (timeout, poll, outage) = (time("timeout", &TIMEOUT), time("poll", &POLL), time("outage", &OUTAGE));
    MemcacheSettings {
        servers: servers.unwrap_or(single_server.servers),
        connections: connections.unwrap_or(single_server.connections),
        timeout: timeout.unwrap_or(single_server.timeout),
        prefix: prefix.unwrap_or(single_server.prefix),
        poll: poll.unwrap_or(single_server.poll),
        outage: outage.unwrap_or(single_server.outage),
    }
}

/// Takes `servers`; `None` if it is not given.
fn servers(section: &mut Section, single_id: Option<NodeId>) -> Option<Vec<MemcacheServer>> {
    let empty = InvalidValue::because("is an empty list", "name at least one, or leave the key out");
    let id = section.id_of("servers");
    let server_list = section.take_list_with_ids("servers", empty, server_list)?;
    if let (Some(single_id), Some(id)) = (single_id, id) {
        let problem = "servers is given beside memcachehost or memcacheport";
        let error = ConfigError::new(id, problem, "keep one of them");
        section.add_error(ConfigError { first: Some(single_id), ..error });
    }
    let mut servers = Vec::new();
    for (id, named) in server_list {
        let server =
            |(host, port): Server| MemcacheServer { host, port: port.unwrap_or(DEFAULT_MEMCACHE_PORT) };
        servers.extend(named.into_iter().map(|named| (id, server(named))));
    }
    reject_duplicates(&servers, section);
    Some(servers.into_iter().map(|(_, server)| server).collect())
}

/// Adds an error to `file` for every repeated memcached.
fn reject_duplicates(servers: &[(NodeId, MemcacheServer)], file: &mut Section) {
    let mut first = HashMap::new();
    for (id, server) in servers {
        let same = (server.host.to_ascii_lowercase(), server.port);
        if let Some(first) = first.get(&same) {
            let problem = format!("servers names {server} twice");
            let error = ConfigError::new(*id, problem, "name each memcached once");
            file.add_error(ConfigError { first: Some(*first), ..error });
        } else {
            first.insert(same, *id);
        }
    }
}

fn host(value: &Value) -> Result<String, InvalidValue> {
    let host = value.word().filter(|host| is_host(host));
    let hint = "must be a host name or an address; its port belongs in memcacheport, several servers in memcache: {servers: …}";
    host.ok_or_else(|| InvalidValue::new(value, hint))
}

/// Servers separated by commas.
fn server_list(value: &Value) -> Result<Vec<Server>, InvalidValue> {
    let hint =
        "must be HOST or HOST:PORT, as in localhost or [::1]:11211, or several with commas between them";
    let invalid = || InvalidValue::new(value, hint);
    let words = value.word().ok_or_else(invalid)?;
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    let servers: Option<Vec<_>> = words.map(server).collect();
    servers.filter(|servers| !servers.is_empty()).ok_or_else(invalid)
}

fn server(text: &str) -> Option<Server> {
    let (host, port) = split(text).filter(|(host, port)| is_host(host) && *port != Some(0))?;
    Some((host.to_owned(), port))
}

fn prefix(value: &Value) -> Result<String, InvalidValue> {
    let fits = |text: &String| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
        (1..=MAX_PREFIX_LENGTH).contains(&text.len()) && text.bytes().all(known)
    };
    let hint = format!(
        "must be 1 to {MAX_PREFIX_LENGTH} characters out of A-Z, a-z, 0-9, dot, underscore and hyphen"
    );
    value.word().filter(fits).ok_or_else(|| InvalidValue::new(value, hint))
}
