//! The sample that is shipped: valid as it stands, and no key is forgotten in it.
use std::path::Path;
use std::time::Duration;

use distributex_config::{Backend, Config, KEYS, POOL_KEYS, parse, read};

fn path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/distributex.yaml"))
}

fn sample() -> Config {
    read(path()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn text() -> String {
    std::fs::read_to_string(path()).expect("the sample")
}

/// The sample with its options in force: `#key: value`, where prose has a space behind the `#`.
fn uncommented() -> String {
    let text = text();
    let lines = text.lines().map(|line| match line.trim_start().strip_prefix('#') {
        Some(option) if option.starts_with(char::is_alphabetic) => line.replacen('#', "", 1),
        Some(_) | None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_says_what_the_readme_tells() {
    let config = sample();

    assert_eq!(config.backend, Backend::InMemory);
    assert_eq!(config.listen, []);
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
fn every_key_is_explained_and_shown_in_the_sample() {
    let text = text();
    let shown = uncommented();
    for key in KEYS.into_iter().chain(POOL_KEYS) {
        let explains = |line: &str| {
            let prose = line.trim_start().strip_prefix("# ").and_then(|prose| prose.split_once(": "));
            prose.is_some_and(|(keys, _)| keys.split(", ").any(|name| name == key))
        };
        let shows = |line: &str| {
            line.trim_start().trim_start_matches("- ").split_once(':').is_some_and(|(name, _)| name == key)
        };
        assert!(text.lines().any(explains), "{key} is not explained");
        assert!(shown.lines().any(shows), "{key} is not shown");
    }
}

#[test]
fn the_options_of_the_sample_can_be_used_as_they_stand() {
    let text = uncommented();
    let used = parse(&text, "uncommented").unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));

    assert_eq!(used.backend, sample().backend);
    assert_eq!(used.listen.len(), 2);
    assert_eq!(used.limits, sample().limits, "it shows the defaults");
    assert_eq!(used.pools[0].max_waiters, 100);
    assert_eq!(used.pools[2], sample().pools[2], "it shows the default");
}
