//! Mistakes about memcached. They are told with every backend: its word may be changed at any time.
use super::{MILLION, check};
use crate::told;

const SERVERS: &str =
    "give HOST or HOST:PORT, as in localhost or [::1]:11211, or several with commas between them";

/// What is told about a line, with either backend.
fn line(line: &str) -> String {
    let [one, other] = ["inmemory", "memcache"]
        .map(|backend| told(&format!("{line}\nbackend: {backend}\npools: [{{name: a}}]")));
    assert_eq!(one, other);
    one.strip_prefix("f:1: ").unwrap_or(&one).to_owned()
}

#[test]
fn one_memcached_is_at_a_possible_place() {
    let host =
        "give a host name or an address; its port belongs into memcacheport, several into memcacheservers";
    for (written, said) in [
        ("localhost:11211", "\"localhost:11211\""),
        ("''", "\"\""),
        ("cache1, cache2", "\"cache1, cache2\""),
        ("[cache1]", "a list"),
    ] {
        assert_eq!(line(&format!("memcachehost: {written}")), format!("memcachehost is {said}; {host}"));
    }
    for written in ["0", "65536", "\"x\""] {
        let port = format!("memcacheport is {written}; give a whole number from 1 to 65535");
        assert_eq!(line(&format!("memcacheport: {written}")), port);
    }
}

#[test]
fn each_of_several_is_at_a_possible_place() {
    for (written, said) in [
        ("a b", "\"a b\""),
        ("cache1:0", "\"cache1:0\""),
        ("cache1, cache2:x", "\"cache1, cache2:x\""),
        ("'::1:x'", "\"::1:x\""),
        ("'*'", "\"*\""),
        ("','", "\",\""),
        ("''", "\"\""),
        ("11211", "11211"),
        ("{cache1: 11211}", "a map"),
    ] {
        let told = line(&format!("memcacheservers: {written}"));
        assert_eq!(told, format!("memcacheservers is {said}; {SERVERS}"));
    }
    let empty = "memcacheservers is an empty list; name at least one, or leave the key out";
    assert_eq!(line("memcacheservers: []"), empty);
    check(&[(
        "backend: memcache\nmemcacheservers:\n  - cache1\n  - a b\n  - 1.2.3\npools: [{name: a}]",
        &[
            &format!("f:4: memcacheservers is \"a b\"; {SERVERS}"),
            &format!("f:5: memcacheservers is \"1.2.3\"; {SERVERS}"),
        ],
    )]);
}

#[test]
fn a_memcached_is_named_once() {
    let twice = |place: u8, named: &str, first: u8| {
        let problem = format!("memcacheservers names {named} twice");
        format!("f:{place}: {problem}, first in line {first}; name each memcached once")
    };
    let list = "- cache1\n  - cache2\n  - Cache1:11211\n  - '[::1]'\n  - '::1'";
    check(&[
        (
            &format!("memcacheservers:\n  {list}\npools: [{{name: a}}]"),
            &[&twice(4, "Cache1:11211", 2), &twice(6, "[::1]:11211", 5)],
        ),
        ("memcacheservers: a, b, a\npools: [{name: a}]", &[&twice(1, "a:11211", 1)]),
        ("memcacheservers: a, a:7\nmemcacheport: 7\npools: [{name: a}]", &[&twice(1, "a:7", 1)]),
    ]);
}

#[test]
fn one_and_several_do_not_go_together() {
    let both = "memcachehost is given beside memcacheservers; keep one of them";
    check(&[
        ("memcachehost: a\nmemcacheservers: b\npools: [{name: a}]", &[&format!("f:1: {both}")]),
        ("memcacheservers:\n  - a\nmemcachehost: a\npools: [{name: a}]", &[&format!("f:3: {both}")]),
    ]);
}

#[test]
fn times_and_numbers_stay_within_their_limits() {
    for (key, wrong, way_out) in [
        ("memcacheconnections", ["0", "65", "1.5"], "give a whole number from 1 to 64"),
        ("memcachetimeout", ["0", "0.04", "61"], "give seconds from 0.05 to 60"),
        ("memcachepoll", ["0", "0.01", "60.5"], "give seconds from 0.02 to 60"),
        ("memcacheoutage", ["-1", "3601", "\"1h\""], "give seconds from 0 to 3600"),
    ] {
        for wrong in wrong {
            assert_eq!(line(&format!("{key}: {wrong}")), format!("{key} is {wrong}; {way_out}"));
        }
    }
}

#[test]
fn a_prefix_can_stand_in_the_name_of_an_entry() {
    let way_out = "give 1 to 64 characters out of A-Z, a-z, 0-9, dot, underscore and hyphen";
    for (written, said) in
        [("''", "\"\""), ("a b", "\"a b\""), ("a:b", "\"a:b\""), ("größe", "\"größe\""), ("[a]", "a list")]
    {
        let told = line(&format!("memcacheprefix: {written}"));
        assert_eq!(told, format!("memcacheprefix is {said}; {way_out}"));
    }
    let long = "p".repeat(65);
    assert!(line(&format!("memcacheprefix: {long}")).ends_with(way_out));
}

#[test]
fn a_pool_in_memcached_has_at_most_1000_slots() {
    let pools = "pools:\n  - name: a\n    maxlocks: 1000\n  - name: b\n    maxlocks: ";
    let thousand = "give a whole number from 1 to 1000; more than that need backend: inmemory";
    for written in ["1001", "1000001"] {
        let told = told(&format!("{pools}{written}\nbackend: memcache"));
        assert_eq!(told, format!("f:5: pool \"b\": maxlocks is {written}; {thousand}"));
    }
    let never = "maxlocks is 0, so the pool could never grant a slot";
    for (backend, way_out) in [("memcache", thousand), ("inmemory", MILLION)] {
        let told = told(&format!("{pools}0\nbackend: {backend}"));
        assert_eq!(told, format!("f:5: pool \"b\": {never}; {way_out}"));
    }
}
