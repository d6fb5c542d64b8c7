//! Unknown and duplicate keys.
use super::{KEYS, check, in_pool};

#[test]
fn an_unknown_key_is_reported_with_the_closest_one() {
    let pool_keys = "the keys here are name, expire, maxlocks, servers and max_waiters";
    let [timeout, number] = ["\"timeout\"", "\"7\""].map(|key| format!("unknown key {key}; {pool_keys}"));
    let with = |line: &str| format!("{line}\npools: [{{name: a}}]");
    let keys = format!("the keys here are {}", KEYS.join(" and "));
    let anchors = "if it only contains anchors";
    check(&[
        (&with("memcache_host: x"), &["f:1: unknown key \"memcache_host\"; did you mean memcachehost?"]),
        (&with("memcachepool: 1"), &["f:1: unknown key \"memcachepool\"; did you mean memcacheport?"]),
        (&with("Backend: x"), &["f:1: unknown key \"Backend\"; did you mean backend?"]),
        (
            &with("defaults: &d {}"),
            &[&format!("f:1: unknown key \"defaults\"; {keys}; name it \"x-defaults\" {anchors}")],
        ),
        (&with("state: /x"), &["f:1: state was renamed; use state_dir"]),
        (&with("[a]: 1"), &["f:1: a key is a list; write KEY: VALUE with a word as the key"]),
    ]);
    assert_eq!(in_pool("max_locks: 3"), "unknown key \"max_locks\"; did you mean maxlocks?");
    assert_eq!(in_pool("server: acme1"), "unknown key \"server\"; did you mean servers?");
    assert_eq!(in_pool("timeout: 3"), timeout);
    assert_eq!(in_pool("7: 3"), number);
}

#[test]
fn a_duplicate_key_is_reported_with_both_lines() {
    check(&[
        (
            "pools:\n  - name: a\n    expire: 1\n    name: b\n    expire: 1\nbackend: inmemory\npools: []\n",
            &[
                "f:4: pool \"a\": key \"name\" is given twice, first in line 2; keep one of them",
                "f:5: pool \"a\": key \"expire\" is given twice, first in line 3; keep one of them",
                "f:7: key \"pools\" is given twice, first in line 1; keep one of them",
            ],
        ),
        (
            "x-a: &a {}\npools:\n  - name: a\n    <<: *a\n    <<: *a\n",
            &["f:5: pool \"a\": key \"<<\" is given twice, first in line 4; \
               name several maps in one list, as in <<: [*base, *more]"],
        ),
    ]);
}

#[test]
fn a_merge_key_must_name_maps() {
    for (written, shown) in [("3", "3"), ("[[]]", "an empty list"), ("[{}, x]", "\"x\""), ("~", "empty")] {
        let way_out = "name a map, as in <<: *base, or several, as in <<: [*base, *more]";
        assert_eq!(in_pool(&format!("<<: {written}")), format!("<< is {shown}; {way_out}"));
    }
}
