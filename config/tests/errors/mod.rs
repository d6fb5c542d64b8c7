//! Errors: each is reported in the order of the lines, with a hint.
mod admin;
mod keys;
mod memcache;
mod pool;
mod syntax;

use distributex_config::LIMIT_KEYS;

use crate::error_text;

const POOLS: &str = "must be a list in which each pool begins with - name: NAME";
const EXPIRE: &str = "must be seconds from 0.001 to 315360000 (10 years), or a number with a unit, as in 90s, 10m, 26h or 1d; 0 for never";
const MILLION: &str = "must be a whole number from 1 to 1000000";
const LISTEN: &str =
    "must be HOST or HOST:PORT, as in localhost, 127.0.0.1:9889, [::1]:9889 or *:9889 (every address)";

const KEYS: [&str; 2] = [
    "backend, state_dir, memcachehost, memcacheport, memcache, listen, max_wait, max_patience, \
     limits, admin_keys, admin_socket, history_runs, event_buffer, metrics",
    "pools",
];

/// A text and all its errors.
type Case<'a> = (&'a str, &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (text, lines) in cases {
        assert_eq!(error_text(text), lines.join("\n"), "\n{text}");
    }
}

/// The errors of a pool's key on line 3.
fn in_pool(value: &str) -> String {
    let error_text = error_text(&format!("pools:\n  - name: a\n    {value}\n"));
    error_text.strip_prefix("f:3: pool \"a\": ").unwrap_or(&error_text).to_owned()
}

#[test]
fn a_file_needs_pools() {
    let empty = "f: the file is empty; name at least one pool under pools:";
    let begin = format!("begin with one of the keys {}", KEYS.join(" or "));
    check(&[
        ("", &[empty]),
        ("# only\n\n# comments\n", &[empty]),
        ("---\n", &[empty]),
        ("- name: a\n", &[&format!("f:1: the file is a list; {begin}")]),
        ("pools\n", &[&format!("f:1: the file is \"pools\"; {begin}")]),
        ("{}", &[&format!("f:1: pools is missing; {POOLS}")]),
        ("\nbackend: inmemory\n", &[&format!("f:2: pools is missing; {POOLS}")]),
        ("pools:\n", &[&format!("f:1: pools is missing; {POOLS}")]),
        ("pools: []\n", &[&format!("f:1: pools is an empty list; {POOLS}")]),
        ("pools:\n  pool1: {expire: 3}\n", &[&format!("f:2: pools is a map; {POOLS}")]),
        ("pools: pool1\n", &[&format!("f:1: pools is \"pool1\"; {POOLS}")]),
    ]);
}

#[test]
fn the_backend_must_be_a_known_word() {
    for (line, words) in [
        ("backend: InMemory", "backend is \"InMemory\"; did you mean inmemory?"),
        ("backend: memcached", "backend is \"memcached\"; did you mean memcache?"),
        ("backend: redis", "backend is \"redis\"; must be inmemory or memcache"),
        ("backend: [memcache]", "backend is a list; must be inmemory or memcache"),
    ] {
        check(&[(&format!("{line}\npools: [{{name: a}}]"), &[&format!("f:1: {words}")])]);
    }
}

#[test]
fn each_invalid_listen_address_is_reported() {
    check(&[
        ("listen: 9889\npools: [{name: a}]", &[&format!("f:1: listen is 9889; {LISTEN}")]),
        (
            "listen: []\npools: [{name: a}]",
            &["f:1: listen is an empty list; leave the key out to listen on every address"],
        ),
        (
            "listen:\n  - localhost\n  - a b\n  - {}\npools: [{name: a}]",
            &[
                &format!("f:3: listen is \"a b\"; {LISTEN}"),
                &format!("f:4: listen is an empty map; {LISTEN}"),
            ],
        ),
    ]);
}

#[test]
fn limits_must_be_a_map_of_integers() {
    let limits = |written: &str| error_text(&format!("limits:{written}\npools: [{{name: a}}]"));

    for (written, shown) in
        [("0", "0"), ("1000001", "1000001"), ("1.5", "1.5"), ("all", "\"all\""), ("[1]", "a list")]
    {
        for key in LIMIT_KEYS {
            let line = format!("f:2: limits: {key} is {shown}; {MILLION}");
            assert_eq!(limits(&format!("\n  {key}: {written}")), line);
        }
    }
    let keys = "connections_per_address, waiters_per_address";
    let map = format!("write it as limits: with the keys {keys}, absent_per_host below");
    assert_eq!(limits(" 1000"), format!("f:1: limits is 1000; {map}"));
    assert_eq!(
        limits("\n  waiters_per_adress: 1\n  max_wait: 1"),
        format!(
            "f:2: limits: unknown key \"waiters_per_adress\"; did you mean waiters_per_address?\n\
             f:3: limits: unknown key \"max_wait\"; the keys here are {keys} and absent_per_host"
        )
    );
}

#[test]
fn all_errors_are_reported_in_the_order_of_their_lines() {
    let text = "\
pools:
  - max_locks: 3
    expire: -1
    name: ..
  - name: b
    maxlocks: -1
memcacheport: x
backend: redis
";
    check(&[(
        text,
        &[
            "f:2: pool number 1: unknown key \"max_locks\"; did you mean maxlocks?",
            &format!("f:3: pool number 1: expire is -1; {EXPIRE}"),
            "f:4: pool number 1: name is \"..\"; use another name: in a URL it would mean a directory",
            &format!("f:6: pool \"b\": maxlocks is -1; {MILLION}"),
            "f:7: memcacheport is \"x\"; must be a whole number from 1 to 65535",
            "f:8: backend is \"redis\"; must be inmemory or memcache",
        ],
    )]);
}

#[test]
fn max_wait_must_be_within_its_limits() {
    for (written, shown) in [("0", "0"), ("-1", "-1"), ("86401", "86401"), ("never", "\"never\"")] {
        check(&[(
            &format!("max_wait: {written}\npools: [{{name: a}}]"),
            &[&format!(
                "f:1: max_wait is {shown}; must be seconds from 1 to 86400, or a number with a unit, as in 90s or 10m"
            )],
        )]);
    }
}
