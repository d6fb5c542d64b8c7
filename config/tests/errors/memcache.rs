//! Errors of the memcache settings, which are reported with every backend.
use super::{MILLION, check};
use crate::error_text;

const SERVERS: &str =
    "must be HOST or HOST:PORT, as in localhost or [::1]:11211, or several with commas between them";

/// The errors of a line, the same with either backend.
fn line(line: &str) -> String {
    let [one, other] = ["inmemory", "memcache"]
        .map(|backend| error_text(&format!("{line}\nbackend: {backend}\npools: [{{name: a}}]")));
    assert_eq!(one, other);
    one.strip_prefix("f:1: ").unwrap_or(&one).to_owned()
}

#[test]
fn the_address_of_a_single_memcached_must_be_valid() {
    let host = "must be a host name or an address; its port belongs in memcacheport, several servers in memcache: {servers: …}";
    for (written, shown) in [
        ("localhost:11211", "\"localhost:11211\""),
        ("''", "\"\""),
        ("cache1, cache2", "\"cache1, cache2\""),
        ("[cache1]", "a list"),
    ] {
        assert_eq!(line(&format!("memcachehost: {written}")), format!("memcachehost is {shown}; {host}"));
    }
    for written in ["0", "65536", "\"x\""] {
        let port = format!("memcacheport is {written}; must be a whole number from 1 to 65535");
        assert_eq!(line(&format!("memcacheport: {written}")), port);
    }
}

#[test]
fn each_address_of_several_memcached_must_be_valid() {
    for (written, shown) in [
        ("a b", "\"a b\""),
        ("cache1:0", "\"cache1:0\""),
        ("\"cache1, cache2:x\"", "\"cache1, cache2:x\""),
        ("'::1:x'", "\"::1:x\""),
        ("'*'", "\"*\""),
        ("','", "\",\""),
        ("''", "\"\""),
        ("11211", "11211"),
        ("{cache1: 11211}", "a map"),
    ] {
        let error_text = line(&format!("memcache: {{servers: {written}}}"));
        assert_eq!(error_text, format!("memcache: servers is {shown}; {SERVERS}"));
    }
    let empty = "memcache: servers is an empty list; name at least one, or leave the key out";
    assert_eq!(line("memcache: {servers: []}"), empty);
    check(&[(
        "backend: memcache\nmemcache:\n  servers:\n    - cache1\n    - a b\n    - 1.2.3\npools: [{name: a}]",
        &[
            &format!("f:5: memcache: servers is \"a b\"; {SERVERS}"),
            &format!("f:6: memcache: servers is \"1.2.3\"; {SERVERS}"),
        ],
    )]);
}

#[test]
fn a_repeated_memcached_is_an_error() {
    let twice = |place: u8, named: &str, first: u8| {
        let problem = format!("memcache: servers names {named} twice");
        format!("f:{place}: {problem}, first in line {first}; name each memcached once")
    };
    let list = "- cache1\n    - cache2\n    - Cache1:11211\n    - '[::1]'\n    - '::1'";
    check(&[
        (
            &format!("memcache:\n  servers:\n    {list}\npools: [{{name: a}}]"),
            &[&twice(5, "Cache1:11211", 3), &twice(7, "[::1]:11211", 6)],
        ),
        ("memcache: {servers: \"a, b, a\"}\npools: [{name: a}]", &[&twice(1, "a:11211", 1)]),
        ("memcache: {servers: \"a, a:11211\"}\npools: [{name: a}]", &[&twice(1, "a:11211", 1)]),
    ]);
}

#[test]
fn memcachehost_beside_memcache_servers_is_an_error() {
    let both = "memcache: servers is given beside memcachehost or memcacheport, first in line";
    check(&[
        (
            "memcachehost: a\nmemcache: {servers: b}\npools: [{name: a}]",
            &[&format!("f:2: {both} 1; keep one of them")],
        ),
        (
            "memcache:\n  servers:\n    - a\nmemcacheport: 7\npools: [{name: a}]",
            &[&format!("f:3: {both} 4; keep one of them")],
        ),
    ]);
}

#[test]
fn former_names_are_reported_with_the_new_ones() {
    for (former, new) in [
        ("memcacheservers: a", "memcache: {servers: …}"),
        ("memcachepoll: 1", "memcache: {poll: …}"),
        ("longest_wait: 1", "max_wait"),
        ("state: /x", "state_dir"),
        ("events: 1", "event_buffer"),
    ] {
        let key = former.split(':').next().unwrap();
        assert_eq!(line(former), format!("{key} was renamed; use {new}"));
    }
}

#[test]
fn durations_and_numbers_must_be_within_their_limits() {
    for (key, wrong, way_out) in [
        ("connections", ["0", "65", "1.5"], "must be a whole number from 1 to 64"),
        (
            "timeout",
            ["0", "0.04", "61"],
            "must be seconds from 0.05 to 60, or a number with a unit, as in 90s or 10m",
        ),
        (
            "poll",
            ["0", "0.01", "60.5"],
            "must be seconds from 0.02 to 60, or a number with a unit, as in 90s or 10m",
        ),
        (
            "outage",
            ["-1", "3601", "\"2h\""],
            "must be seconds from 0 to 3600, or a number with a unit, as in 90s or 10m",
        ),
    ] {
        for wrong in wrong {
            assert_eq!(
                line(&format!("memcache: {{{key}: {wrong}}}")),
                format!("memcache: {key} is {wrong}; {way_out}")
            );
        }
    }
}

#[test]
fn a_prefix_must_be_valid_in_a_memcached_key() {
    let way_out = "must be 1 to 64 characters out of A-Z, a-z, 0-9, dot, underscore and hyphen";
    for (written, shown) in
        [("''", "\"\""), ("a b", "\"a b\""), ("a:b", "\"a:b\""), ("größe", "\"größe\""), ("[a]", "a list")]
    {
        let error_text = line(&format!("memcache: {{prefix: {written}}}"));
        assert_eq!(error_text, format!("memcache: prefix is {shown}; {way_out}"));
    }
    let long = "p".repeat(65);
    assert!(line(&format!("memcache: {{prefix: {long}}}")).ends_with(way_out));
}

#[test]
fn a_pool_in_memcached_has_at_most_1000_slots() {
    let pools = "pools:\n  - name: a\n    maxlocks: 1000\n  - name: b\n    maxlocks: ";
    let thousand = "must be a whole number from 1 to 1000; more than that need backend: inmemory";
    for written in ["1001", "1000001"] {
        let error_text = error_text(&format!("{pools}{written}\nbackend: memcache"));
        assert_eq!(error_text, format!("f:5: pool \"b\": maxlocks is {written}; {thousand}"));
    }
    let never = "maxlocks is 0, so the pool could never grant a slot";
    for (backend, way_out) in [("memcache", thousand), ("inmemory", MILLION)] {
        let error_text = error_text(&format!("{pools}0\nbackend: {backend}"));
        assert_eq!(error_text, format!("f:5: pool \"b\": {never}; {way_out}"));
    }
}
