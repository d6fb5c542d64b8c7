//! Errors of a pool's values.
use super::{EXPIRE, MILLION, check, in_pool};

#[test]
fn a_pool_must_have_a_valid_and_unique_name() {
    let text = "must be text, in quotes if it looks like something else";
    let url = "use another name: in a URL it would mean a directory";
    let missing = "f:1: pool number 1: name is missing; give the pool one, as in - name: pool1";
    let bad = |shown: &str, way_out: &str| format!("f:1: pool number 1: name is {shown}; {way_out}");
    check(&[
        ("pools: [{expire: 3}]", &[missing]),
        ("pools: [{name: }]", &[missing]),
        ("pools: [{name: ''}]", &[&bad("\"\"", "a name must not be empty")]),
        (
            "pools: [{name: \"a\\tb\"}]",
            &[&bad("\"a\\tb\"", "a name must not contain control characters such as '\\t'")],
        ),
        ("pools: [{name: .}]", &[&bad("\".\"", url)]),
        ("pools: [{name: '..'}]", &[&bad("\"..\"", url)]),
        ("pools: [{name: true}]", &[&bad("true", text)]),
        ("pools: [{name: 7.5}]", &[&bad("7.5", text)]),
        ("pools: [{name: [a]}]", &[&bad("a list", text)]),
        ("pools: [{name: !secret a}]", &[&bad("tagged \"!secret\"", text)]),
        ("pools: [a]", &["f:1: pool number 1 is \"a\"; write it as - name: NAME with its other keys below"]),
        (
            "pools:\n  - name: a\n  - expire: 3\n    name: b\n  - name: a\n  - expire: 4\n    name: b\n",
            &[
                "f:5: another pool is named \"a\", first in line 2; give each pool a name of its own",
                "f:6: another pool is named \"b\", first in line 3; give each pool a name of its own",
            ],
        ),
    ]);
}

#[test]
fn expire_must_be_within_its_limits() {
    for (written, shown) in [
        ("-1", "-1"),
        ("-0.5", "-0.5"),
        ("\"-1\"", "-1"),
        (".nan", "NaN"),
        (".inf", "inf"),
        ("0.0001", "0.0001"),
        ("315360001", "315360001"),
        ("1e300", "1e300"),
        ("0300", "\"0300\""),
        ("5x", "\"5x\""),
        ("true", "true"),
        ("[3]", "a list"),
        ("{a: 3}", "a map"),
    ] {
        assert_eq!(in_pool(&format!("expire: {written}")), format!("expire is {shown}; {EXPIRE}"));
    }
}

#[test]
fn integers_must_be_within_their_limits() {
    assert_eq!(
        in_pool("maxlocks: 0"),
        format!("maxlocks is 0, so the pool could never grant a slot; {MILLION}")
    );
    for (written, shown) in [
        ("-1", "-1"),
        ("1000001", "1000001"),
        ("99999999999999999999", "99999999999999999999"),
        ("999999999999999999999999999999999999999999", "1e42"),
        ("1.5", "1.5"),
        ("many", "\"many\""),
        ("010", "\"010\""),
    ] {
        assert_eq!(in_pool(&format!("maxlocks: {written}")), format!("maxlocks is {shown}; {MILLION}"));
        assert_eq!(in_pool(&format!("max_waiters: {written}")), format!("max_waiters is {shown}; {MILLION}"));
    }
    assert_eq!(in_pool("max_waiters: 0"), format!("max_waiters is 0; {MILLION}"));
    assert_eq!(in_pool("max_waiters: \"3\""), format!("max_waiters is \"3\"; {MILLION}"));
}

#[test]
fn servers_must_name_at_least_one_host() {
    let open = "leave the key out to allow every host";
    let give = "must be names of hosts, as in acme1, acme2";
    assert_eq!(
        in_pool("servers: []"),
        format!("servers is an empty list, so no host could use the pool; {open}")
    );
    assert_eq!(in_pool("servers: ''"), format!("servers is \"\", so no host could use the pool; {open}"));
    assert_eq!(in_pool("servers: ','"), format!("servers is \",\", so no host could use the pool; {open}"));
    assert_eq!(in_pool("servers: true"), format!("servers is true; {give}"));
    check(&[(
        "pools:\n  - name: a\n    servers:\n      - acme1\n      -\n      - {b: c}\n      - \"a\\0\"\n",
        &[
            &format!("f:5: pool \"a\": servers is empty; {give}"),
            &format!("f:6: pool \"a\": servers is a map; {give}"),
            "f:7: pool \"a\": servers is \"a\\0\"; a name must not contain control characters such as '\\0'",
        ],
    )]);
}
