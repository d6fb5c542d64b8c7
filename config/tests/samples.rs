//! The shipped samples: they are valid and contain every key.
use std::path::{Path, PathBuf};
use std::time::Duration;

use distributex_config::{
    ADMIN_KEYS, Backend, Config, KEYS, LIMIT_KEYS, Limits, MEMCACHE_KEYS, MemcacheServer, MemcacheSettings,
    POOL_KEYS, read,
};

use crate::{error_text, parse_valid};

const IN_MEMORY: &str = "distributex.yaml";
const MEMCACHE: &str = "memcache.yaml";

fn path(sample: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(sample)
}

fn config(sample: &str) -> Config {
    read(&path(sample)).unwrap_or_else(|errors| panic!("{errors}"))
}

fn text(sample: &str) -> String {
    std::fs::read_to_string(path(sample)).expect("the sample")
}

/// The sample with its options enabled: `#key: value`, where prose has a space after the `#`.
fn uncommented(sample: &str) -> String {
    let text = text(sample);
    let lines = text.lines().map(|line| match line.trim_start().strip_prefix('#') {
        Some(option) if option.starts_with(char::is_alphabetic) => line.replacen('#', "", 1),
        Some(_) | None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_has_the_documented_defaults() {
    let config = config(IN_MEMORY);

    assert_eq!(config.backend, Backend::InMemory);
    assert_eq!(config.listen, []);
    assert_eq!(config.admin.keys, []);
    let [pool1, pool2, mirror] = &config.pools[..] else { panic!("{config:?}") };
    let five_minutes = Some(Duration::from_secs(300));
    assert_eq!((pool1.name.as_str(), pool1.expire, pool1.slots), ("pool1", five_minutes, 1));
    assert_eq!(pool1.servers, None);
    assert_eq!((pool2.name.as_str(), pool2.expire, pool2.slots), ("pool2", five_minutes, 1));
    let servers = pool2.servers.as_ref().unwrap();
    assert!(servers.len() == 2 && servers.contains("acme1") && servers.contains("acme2"));
    assert_eq!((mirror.name.as_str(), mirror.slots), ("mirror", 3));
}

#[test]
fn the_memcache_sample_differs_only_in_the_backend() {
    let memcache = Backend::Memcache(MemcacheSettings::default());

    assert_eq!(config(MEMCACHE), Config { backend: memcache, ..config(IN_MEMORY) });
}

#[test]
fn every_key_is_explained_and_shown_in_a_sample() {
    for key in KEYS.into_iter().filter(|key| !key.starts_with("memcache")).chain(POOL_KEYS) {
        explained_and_shown(key, IN_MEMORY);
    }
    for key in ADMIN_KEYS.into_iter().chain(LIMIT_KEYS) {
        explained(key, IN_MEMORY);
    }
    for key in KEYS.into_iter().filter(|key| key.starts_with("memcache")).chain(["backend", "pools"]) {
        explained_and_shown(key, MEMCACHE);
    }
    for key in MEMCACHE_KEYS {
        explained_and_shown(key, MEMCACHE);
    }
}

fn explained_and_shown(key: &str, sample: &str) {
    explained(key, sample);
    shown(key, sample);
}

fn explained(key: &str, sample: &str) {
    let explains = |line: &str| {
        let prose = line.trim_start().strip_prefix("# ").and_then(|prose| prose.split_once(": "));
        prose.is_some_and(|(keys, _)| keys.split(", ").any(|name| name == key))
    };
    assert!(text(sample).lines().any(explains), "{key} is not explained in {sample}");
}

fn shown(key: &str, sample: &str) {
    let shows = |line: &str| {
        line.trim_start().trim_start_matches("- ").split_once(':').is_some_and(|(name, _)| name == key)
    };
    assert!(uncommented(sample).lines().any(shows), "{key} is not shown in {sample}");
}

#[test]
fn the_options_of_the_sample_are_valid() {
    let (sample, used) = (config(IN_MEMORY), parse_valid(&uncommented(IN_MEMORY)));

    assert_eq!(used.backend, sample.backend);
    assert_eq!(used.listen.len(), 2);
    let (connections_per_address, waiters_per_address) = (Some(2000), Some(2000));
    let limits = Limits { connections_per_address, waiters_per_address, ..sample.limits };
    assert_eq!(used.limits, limits, "of the others it shows the defaults");
    assert_eq!(used.admin.keys[0].name.as_str(), "ann");
    assert_eq!(used.admin.socket.as_deref(), Some(Path::new("/run/distributexd/admin.sock")));
    assert_eq!(used.telemetry, sample.telemetry, "it shows the defaults");
    assert_eq!(used.pools[0].max_waiters, 100);
    assert_eq!(used.pools[2], sample.pools[2], "it shows the default");
}

#[test]
fn the_memcache_options_are_valid_with_one_or_several() {
    let text = uncommented(MEMCACHE);
    let without = |key| text.replace(&format!("\n{key}: "), "\n#");
    let one = text.replace("\n    servers: [cache1", "\n    #");
    let several = without("memcachehost").replace("\nmemcacheport: ", "\n#");

    assert!(error_text(&text).contains("servers is given beside memcachehost or memcacheport"));
    assert_eq!(parse_valid(&one), config(MEMCACHE), "it shows the defaults");
    let Backend::Memcache(several) = parse_valid(&several).backend else { panic!("{text}") };
    let server = |(host, port): (&str, _)| MemcacheServer { host: host.to_owned(), port };
    let servers = [("cache1", 11211), ("cache2", 11212), ("::1", 11213)].map(server);
    assert_eq!(several, MemcacheSettings { servers: servers.into(), ..MemcacheSettings::default() });
}
