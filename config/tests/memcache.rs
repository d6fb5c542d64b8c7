//! Valid settings of the memcache backend.
use std::time::Duration;

use distributex_config::{Backend, MemcacheServer, MemcacheSettings};

use crate::parse_valid;

/// The memcache settings of these lines.
fn memcache(lines: &str) -> MemcacheSettings {
    let config = parse_valid(&format!("backend: memcache\n{lines}\npools: [{{name: a, maxlocks: 1000}}]"));
    assert_eq!(config.backend.word(), "memcache");
    let Backend::Memcache(memcache) = config.backend else { panic!("{config:?}") };
    memcache
}

fn at(host: &str, port: u16) -> MemcacheServer {
    MemcacheServer { host: host.to_owned(), port }
}

#[test]
fn the_default_memcached_is_on_this_machine() {
    let memcache = memcache("");

    assert_eq!(memcache, MemcacheSettings::default());
    assert_eq!(memcache.servers, [at("localhost", 11211)]);
    assert_eq!((memcache.connections, &*memcache.prefix), (4, "distributex"));
    assert_eq!(memcache.timeout, Duration::from_secs(1));
    assert_eq!(memcache.poll, Duration::from_millis(200));
    assert_eq!(memcache.outage, Duration::from_secs(60));
}

#[test]
fn one_memcached_has_a_host_and_a_port() {
    for (written, server) in [
        ("memcachehost: cache.acme.com", at("cache.acme.com", 11211)),
        ("memcacheport: 11212\nmemcachehost: '::1'", at("::1", 11212)),
        ("memcacheport: \"11212\"", at("localhost", 11212)),
        ("memcachehost: cache\nmemcache: {servers: }", at("cache", 11211)),
    ] {
        let servers = vec![server];
        assert_eq!(memcache(written), MemcacheSettings { servers, ..MemcacheSettings::default() });
    }
}

#[test]
fn several_memcached_are_separated_by_commas_or_a_list() {
    let expected = [at("cache2", 11211), at("cache1", 11212), at("::1", 11213)];
    for written in [
        "cache2, cache1:11212, [::1]:11213",
        "\" cache2:11211,cache1:11212 ,[::1]:11213, \"",
        "[cache2, cache1:11212, \"[::1]:11213\"]",
        "\n  - cache2\n  - cache1:11212\n  - '[::1]:11213'",
        "\n  - cache2, cache1:11212\n  - '[::1]:11213'",
    ] {
        assert_eq!(
            memcache(&format!("memcache:\n  servers: {}", written.replace("\n", "\n  "))).servers,
            expected,
            "{written}"
        );
    }
}

#[test]
fn servers_without_a_port_have_the_default_port() {
    let servers = memcache("memcache: {servers: [a, b:11213, '::1', '[::2]']}").servers;

    assert_eq!(servers, [at("a", 11211), at("b", 11213), at("::1", 11211), at("::2", 11211)]);
}

#[test]
fn one_host_can_run_several_memcached() {
    let servers = memcache("memcache: {servers: \"cache:11211, cache:11212\"}").servers;

    assert_eq!(servers, [at("cache", 11211), at("cache", 11212)]);
}

#[test]
fn durations_and_numbers_can_have_their_limits() {
    for (written, timeout) in [("0.05", 50), ("'0.05'", 50), ("60", 60_000), ("200ms", 200), ("1m", 60_000)] {
        let timeout = Duration::from_millis(timeout);
        assert_eq!(memcache(&format!("memcache: {{timeout: {written}}}")).timeout, timeout);
    }
    for (written, poll) in [("0.02", 20), ("60.0", 60_000)] {
        assert_eq!(memcache(&format!("memcache: {{poll: {written}}}")).poll, Duration::from_millis(poll));
    }
    for outage in [0, 3600] {
        assert_eq!(memcache(&format!("memcache: {{outage: {outage}}}")).outage, Duration::from_secs(outage));
    }
    for connections in [1, 64] {
        assert_eq!(memcache(&format!("memcache: {{connections: {connections}}}")).connections, connections);
    }
}

#[test]
fn a_prefix_can_be_up_to_64_characters() {
    for prefix in ["a", "Acme-1.locks_B", "7", &"p".repeat(64)] {
        assert_eq!(memcache(&format!("memcache: {{prefix: {prefix}}}")).prefix, prefix);
    }
}

#[test]
fn memcache_keys_have_no_effect_with_inmemory() {
    let keys = "memcachehost: x\nmemcacheport: 7\nmemcache: {poll: 1}\n";
    let pools = "pools: [{name: a, maxlocks: 1001}]";

    assert_eq!(parse_valid(&format!("backend: inmemory\n{keys}{pools}")), parse_valid(pools));
}
