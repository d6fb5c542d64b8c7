//! Anchors and merge keys.
use std::time::Duration;

use crate::{error_text, only_pool, parse_valid};

fn seconds(text: &str) -> Vec<u64> {
    parse_valid(text).pools.iter().map(|pool| pool.expire.unwrap_or(Duration::ZERO).as_secs()).collect()
}

#[test]
fn a_pool_can_be_the_base_of_the_next_ones() {
    let text = "\
pools:
  - &base {name: a, expire: 10, maxlocks: 2}
  - <<: *base
    name: b
  - expire: 30
    <<: *base
    name: c
";

    assert_eq!(seconds(text), [10, 10, 30]);
    assert!(parse_valid(text).pools.iter().all(|pool| pool.slots == 2));
}

#[test]
fn a_base_can_have_a_base_itself() {
    let text = "\
x-base: &base {expire: 10, maxlocks: 2}
x-more: &more {<<: *base, maxlocks: 3}
pools:
  - {<<: *more, name: a}
";

    let pool = only_pool(text);

    assert_eq!((pool.expire, pool.slots), (Some(Duration::from_secs(10)), 3));
}

#[test]
fn the_first_of_several_bases_takes_precedence() {
    let text = "\
x-one: &one {expire: 10}
x-two: &two {expire: 20, maxlocks: 2}
pools:
  - {name: a, <<: [*one, *two]}
";

    let pool = only_pool(text);

    assert_eq!((pool.expire, pool.slots), (Some(Duration::from_secs(10)), 2));
}

#[test]
fn an_empty_value_resets_a_merged_one() {
    let text = "pools:\n  - &base {name: a, servers: acme1}\n  - {<<: *base, name: b, servers: ~}\n";

    assert_eq!(parse_valid(text).pools[1].servers, None);
}

#[test]
fn the_whole_file_can_be_merged_too() {
    assert_eq!(seconds("x-all: &all {pools: [{name: a, expire: 5}]}\n<<: *all\n"), [5]);
}

#[test]
fn an_error_in_a_base_is_reported_for_each_pool() {
    let text = "\
x-base: &base
  expire: -1
pools:
  - name: a
    expire: -2
  - {name: b, <<: *base}
  - {name: c, <<: *base}
";

    let way_out = "must be seconds from 0.001 to 315360000 (10 years), or a number with a unit, as in 90s, 10m, 26h or 1d; 0 for never";
    let error_text = error_text(text).replace(&format!("; {way_out}"), "");
    let lines: Vec<_> = error_text.lines().collect();
    let [b, c] = ["f:2: pool \"b\": expire is -1", "f:2: pool \"c\": expire is -1"];
    assert_eq!(lines, [b, c, "f:5: pool \"a\": expire is -2"]);
}

#[test]
fn a_merged_name_is_reported_as_a_duplicate() {
    let text = "pools:\n  - &base {name: a}\n  - {<<: *base, expire: 5}\n";

    assert_eq!(
        error_text(text),
        "f:3: another pool is named \"a\", first in line 2; give each pool a name of its own"
    );
}

#[test]
fn an_anchor_must_be_unique() {
    let text = "\
x-a: &a {expire: 1}
x-b: &b {expire: 2}
x-c: &a {expire: 3}
x-d: &d {expire: 4}
pools: [{name: p, <<: *a}]
";

    let way_out = "give each anchor a name of its own";
    assert_eq!(error_text(text), format!("f:3: anchor &a is defined twice, first in line 1; {way_out}"));
}
