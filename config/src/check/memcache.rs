//! The keys of the memcache backend. They are checked whatever the backend: old files have them beside
//! `backend: inmemory`, and whoever changes that word shall not meet mistakes that were there before.
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::{DEFAULT_MEMCACHE_HOST, DEFAULT_MEMCACHE_PORT, MemcacheServer, MemcacheSettings};
use crate::errors::ConfigError;
use crate::host::{is_host, split};
use crate::node::{At, Said};
use crate::section::Section;
use crate::value::{Unfit, seconds, unquoted, whole};

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

/// Takes all of them.
pub(super) fn take(file: &mut Section) -> MemcacheSettings {
    let servers = servers(file);
    let connections = file.take("memcacheconnections", |said| whole(&unquoted(said), CONNECTIONS));
    let prefix = file.take("memcacheprefix", prefix);
    let mut time = |key, range: &RangeInclusive<Duration>| {
        let seconds = |said: &Said| seconds(&unquoted(said), range.clone());
        file.take(key, seconds)
    };
    let timeout = time("memcachetimeout", &TIMEOUT);
    let poll = time("memcachepoll", &POLL);
    let outage = time("memcacheoutage", &OUTAGE);
    let usual = MemcacheSettings::default();
    MemcacheSettings {
        servers,
        connections: connections.unwrap_or(usual.connections),
        timeout: timeout.unwrap_or(usual.timeout),
        prefix: prefix.unwrap_or(usual.prefix),
        poll: poll.unwrap_or(usual.poll),
        outage: outage.unwrap_or(usual.outage),
    }
}

/// Those of `memcacheservers`, or else the one of `memcachehost`.
fn servers(file: &mut Section) -> Vec<MemcacheServer> {
    let port = file.take("memcacheport", |said| whole(&unquoted(said), 1..=65535));
    let port = port.unwrap_or(DEFAULT_MEMCACHE_PORT);
    let single = file.place("memcachehost");
    let host = file.take("memcachehost", host);
    let nowhere = Unfit::because("is an empty list", "name at least one, or leave the key out");
    let Some(several) = file.take_each_placed("memcacheservers", nowhere, several) else {
        let host = host.unwrap_or_else(|| DEFAULT_MEMCACHE_HOST.to_owned());
        return vec![MemcacheServer { host, port }];
    };
    if let Some(at) = single {
        file.note(ConfigError::new(at, "memcachehost is given beside memcacheservers", "keep one of them"));
    }
    let mut servers = Vec::new();
    for (at, named) in several {
        let server = |(host, own): Server| MemcacheServer { host, port: own.unwrap_or(port) };
        servers.extend(named.into_iter().map(|named| (at, server(named))));
    }
    no_twins(&servers, file);
    servers.into_iter().map(|(_, server)| server).collect()
}

/// Notes in `file` every memcached that is named again.
fn no_twins(servers: &[(At, MemcacheServer)], file: &mut Section) {
    let mut first = HashMap::new();
    for (at, server) in servers {
        let same = (server.host.to_ascii_lowercase(), server.port);
        if let Some(first) = first.get(&same) {
            let problem = format!("memcacheservers names {server} twice");
            let mistake = ConfigError::new(*at, problem, "name each memcached once");
            file.note(ConfigError { first: Some(*first), ..mistake });
        } else {
            first.insert(same, *at);
        }
    }
}

fn host(said: &Said) -> Result<String, Unfit> {
    let host = said.word().filter(|host| is_host(host));
    let way_out =
        "give a host name or an address; its port belongs into memcacheport, several into memcacheservers";
    host.ok_or_else(|| Unfit::new(said, way_out))
}

/// Servers with commas between them.
fn several(said: &Said) -> Result<Vec<Server>, Unfit> {
    let way_out =
        "give HOST or HOST:PORT, as in localhost or [::1]:11211, or several with commas between them";
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
    let way_out =
        format!("give 1 to {MAX_PREFIX_LENGTH} characters out of A-Z, a-z, 0-9, dot, underscore and hyphen");
    said.word().filter(fits).ok_or_else(|| Unfit::new(said, way_out))
}
