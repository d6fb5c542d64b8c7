//! Valid values and defaults.
use std::time::Duration;

use distributex_config::{
    Admin, Backend, DEFAULT_EXPIRE, DEFAULT_MAX_WAITERS, Limits, Listen, TelemetrySettings,
};

use crate::{only_pool, parse_valid};

#[test]
fn a_pool_needs_only_a_name() {
    let config = parse_valid("pools:\n  - name: pool1\n");

    assert_eq!(config.backend, Backend::InMemory);
    assert_eq!(config.listen, []);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.admin, Admin::default());
    assert_eq!(config.telemetry, TelemetrySettings::default());
    let [pool] = &config.pools[..] else { panic!("{config:?}") };
    assert_eq!(pool.name.as_str(), "pool1");
    assert_eq!(pool.expire, Some(DEFAULT_EXPIRE));
    assert_eq!(pool.slots, 1);
    assert_eq!(pool.servers, None);
    assert_eq!(pool.max_waiters, DEFAULT_MAX_WAITERS);
}

#[test]
fn a_key_without_a_value_has_its_default() {
    let text = "backend:\nmemcachehost: ~\nmemcacheport: null\nmemcache:\n  servers:\n  poll: ~\nlisten:\nlimits:\nadmin_keys:\nadmin_socket: ~\nhistory_runs:\nevent_buffer:\nmetrics: ~\npools:\n  - name: a\n    expire:\n    maxlocks: ~\n    servers:\n    max_waiters:\n";

    assert_eq!(parse_valid(text), parse_valid("pools: [{name: a}]"));
}

#[test]
fn each_limit_is_independent() {
    let usual = Limits::default();
    for (written, limits) in [
        ("connections_per_address: 1", Limits { connections_per_address: Some(1), ..usual }),
        ("waiters_per_address: '300'", Limits { waiters_per_address: Some(300), ..usual }),
        ("absent_per_host: 1000000", Limits { absent_per_host: 1_000_000, ..usual }),
        ("absent_per_host: ~", usual),
    ] {
        assert_eq!(parse_valid(&format!("limits: {{{written}}}\npools: [{{name: a}}]")).limits, limits);
    }
}

#[test]
fn pools_keep_the_order_of_the_file() {
    let names: Vec<_> = parse_valid("pools: [{name: b}, {name: a}, {name: c}]").pools;

    let names: Vec<_> = names.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "c"]);
}

#[test]
fn a_name_may_look_like_a_number() {
    for (written, name) in [("7", "7"), ("\"7\"", "7"), ("007", "007"), ("1e", "1e"), ("'..x'", "..x")] {
        assert_eq!(only_pool(&format!("pools: [{{name: {written}}}]")).name.as_str(), name);
    }
}

#[test]
fn expire_is_in_seconds_and_0_means_never() {
    for (written, expire) in [
        ("300", Some(Duration::from_secs(300))),
        ("\"300\"", Some(Duration::from_secs(300))),
        ("0.5", Some(Duration::from_millis(500))),
        ("'0.5'", Some(Duration::from_millis(500))),
        ("1e3", Some(Duration::from_secs(1000))),
        ("0.001", Some(Duration::from_millis(1))),
        ("315360000", Some(Duration::from_secs(315_360_000))),
        ("0", None),
        ("0.0", None),
        ("\"0\"", None),
    ] {
        assert_eq!(
            only_pool(&format!("pools: [{{name: a, expire: {written}}}]")).expire,
            expire,
            "{written}"
        );
    }
}

#[test]
fn integers_can_have_their_limits() {
    for (written, slots) in [("1", 1), ("\"3\"", 3), ("1000000", 1_000_000)] {
        assert_eq!(only_pool(&format!("pools: [{{name: a, maxlocks: {written}}}]")).slots, slots);
    }
    for most in [1, 1_000_000] {
        assert_eq!(only_pool(&format!("pools: [{{name: a, max_waiters: {most}}}]")).max_waiters, most);
    }
}

#[test]
fn servers_are_separated_by_commas_or_a_list() {
    for written in [
        "acme1,acme2",
        "\" acme1 ,  acme2 , \"",
        "[acme1, acme2]",
        "[acme1, acme2, acme1]",
        "[\"acme1, acme2\"]",
    ] {
        let text = format!("pools:\n  - name: a\n    servers: {written}\n");

        let servers = only_pool(&text).servers.unwrap();

        assert_eq!(servers.len(), 2, "{written}");
        assert!(servers.contains("acme1") && servers.contains("acme2"), "{written}");
    }
    assert!(only_pool("pools: [{name: a, servers: 7}]").servers.unwrap().contains("7"));
}

#[test]
fn listen_is_one_address_or_a_list() {
    let local = Listen { host: "127.0.0.1".to_owned(), port: Some(80) };
    let every = Listen { host: "*".to_owned(), port: None };
    for (written, listen) in
        [("127.0.0.1:80", vec![local.clone()]), ("\n  - 127.0.0.1:80\n  - '*'", vec![local, every])]
    {
        assert_eq!(parse_valid(&format!("listen: {written}\npools: [{{name: a}}]")).listen, listen);
    }
}

#[test]
fn requests_can_be_limited() {
    let config = parse_valid("max_wait: 30\nmax_patience: \"2.5\"\npools: [{name: a}]");

    assert_eq!(config.limits.max_wait, Duration::from_secs(30));
    assert_eq!(config.limits.max_patience, Duration::from_millis(2_500));
}
