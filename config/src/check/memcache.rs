//! The keys of the memcache backend. They are checked whatever the backend: old files have them beside
//! `backend: inmemory`, and whoever changes that word shall not meet mistakes that were there before.
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::{DEFAULT_MEMCACHE_HOST, DEFAULT_MEMCACHE_PORT, MemcacheServer, MemcacheSettings};
use crate::errors::ConfigError;
use crate::host::{is_host, split};
use crate::node::{At, Node, Said};
use crate::section::Section;
use crate::value::{Unfit, seconds, unquoted, whole};

/// The keys of `memcache`.
pub const KEYS: [&str; 6] = ["servers", "connections", "timeout", "prefix", "poll", "outage"];

/// Each connection has a thread of its own.
const CONNECTIONS: RangeInclusive<i128> = 1..=64;
/// Below this, a memcached that is only busy would count as away.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(60);
/// Below this, looking would be all that a memcached does.
const POLL: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_secs(60);
/// With 0, those who wait are sent away at once.
const OUTAGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);
/// memcached's keys have 250 bytes, and the pool stands there too.
const MAX_PREFIX_LENGTH: usize = 64;

/// A memcached with its port, if one is named.
type Server = (String, Option<u16>);

/// Takes `memcachehost`, `memcacheport` and the section `memcache`.
pub(super) fn take(file: &mut Section) -> MemcacheSettings {
    let single = file.place("memcachehost").or(file.place("memcacheport"));
    let port = file.take("memcacheport", |said| whole(&unquoted(said), 1..=65535));
    let port = port.unwrap_or(DEFAULT_MEMCACHE_PORT);
    let host = file.take("memcachehost", host).unwrap_or_else(|| DEFAULT_MEMCACHE_HOST.to_owned());
    let one =
        MemcacheSettings { servers: vec![MemcacheServer { host, port }], ..MemcacheSettings::default() };
    let Some(Node { at, said }) = file.take_node("memcache") else { return one };
    let Said::Map(entries) = said else {
        let way_out = format!("write it as memcache: with the keys {} below", KEYS.join(", "));
        file.note(Unfit::new(&said, way_out).of("memcache", at));
        return one;
    };
    let mut section = Section::open(at, entries);
    let settings = settings(&mut section, single, one);
    let mistakes = section.close(&KEYS, None).into_iter();
    file.note_all(mistakes.map(|mistake| mistake.inside("memcache")).collect());
    settings
}

/// Takes the keys of the section. `single`: where one memcached is named outside of it.
fn settings(section: &mut Section, single: Option<At>, one: MemcacheSettings) -> MemcacheSettings {
    let servers = servers(section, single);
    let connections = section.take("connections", |said| whole(&unquoted(said), CONNECTIONS));
    let prefix = section.take("prefix", prefix);
    let mut time =
        |key, range: &RangeInclusive<Duration>| section.take(key, |said| seconds(said, range.clone()));
    let (timeout, poll, outage) = (time("timeout", &TIMEOUT), time("poll", &POLL), time("outage", &OUTAGE));
    MemcacheSettings {
        servers: servers.unwrap_or(one.servers),
        connections: connections.unwrap_or(one.connections),
        timeout: timeout.unwrap_or(one.timeout),
        prefix: prefix.unwrap_or(one.prefix),
        poll: poll.unwrap_or(one.poll),
        outage: outage.unwrap_or(one.outage),
    }
}

/// Takes `servers`; `None` without it.
fn servers(section: &mut Section, single: Option<At>) -> Option<Vec<MemcacheServer>> {
    let empty = Unfit::because("is an empty list", "name at least one, or leave the key out");
    let at = section.place("servers");
    let several = section.take_each_placed("servers", empty, several)?;
    if let (Some(single), Some(at)) = (single, at) {
        let problem = "servers is given beside memcachehost or memcacheport";
        let mistake = ConfigError::new(at, problem, "keep one of them");
        section.note(ConfigError { first: Some(single), ..mistake });
    }
    let mut servers = Vec::new();
    for (at, named) in several {
        let server =
            |(host, port): Server| MemcacheServer { host, port: port.unwrap_or(DEFAULT_MEMCACHE_PORT) };
        servers.extend(named.into_iter().map(|named| (at, server(named))));
    }
    no_twins(&servers, section);
    Some(servers.into_iter().map(|(_, server)| server).collect())
}

/// Notes in `file` every memcached that is named again.
fn no_twins(servers: &[(At, MemcacheServer)], file: &mut Section) {
    let mut first = HashMap::new();
    for (at, server) in servers {
        let same = (server.host.to_ascii_lowercase(), server.port);
        if let Some(first) = first.get(&same) {
            let problem = format!("servers names {server} twice");
            let mistake = ConfigError::new(*at, problem, "name each memcached once");
            file.note(ConfigError { first: Some(*first), ..mistake });
        } else {
            first.insert(same, *at);
        }
    }
}

fn host(said: &Said) -> Result<String, Unfit> {
    let host = said.word().filter(|host| is_host(host));
    let way_out = "must be a host name or an address; its port belongs in memcacheport, several servers in memcache: {servers: …}";
    host.ok_or_else(|| Unfit::new(said, way_out))
}

/// Servers with commas between them.
fn several(said: &Said) -> Result<Vec<Server>, Unfit> {
    let way_out =
        "must be HOST or HOST:PORT, as in localhost or [::1]:11211, or several with commas between them";
    let unfit = || Unfit::new(said, way_out);
    let words = said.word().ok_or_else(unfit)?;
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    let servers: Option<Vec<_>> = words.map(server).collect();
    servers.filter(|servers| !servers.is_empty()).ok_or_else(unfit)
}

fn server(text: &str) -> Option<Server> {
    let (host, port) = split(text).filter(|(host, port)| is_host(host) && *port != Some(0))?;
    Some((host.to_owned(), port))
}

fn prefix(said: &Said) -> Result<String, Unfit> {
    let fits = |text: &String| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
        (1..=MAX_PREFIX_LENGTH).contains(&text.len()) && text.bytes().all(known)
    };
    let way_out = format!(
        "must be 1 to {MAX_PREFIX_LENGTH} characters out of A-Z, a-z, 0-9, dot, underscore and hyphen"
    );
    said.word().filter(fits).ok_or_else(|| Unfit::new(said, way_out))
}
