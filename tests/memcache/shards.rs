//! Several memcached: each pool is in one of them, and only its own can keep it from its hosts.

use super::memcached::Memcached;
use crate::member::Member;

/// Enough pools that each of two memcached has some, and then some.
const POOLS: usize = 32;

/// How many pools give a slot to this host, and how many say that their memcached is away.
fn ask_all(member: &Member, host: &str) -> (usize, usize) {
    let ask = |pool| member.server().get(&format!("/get?host={host}&pool=p{pool}"));
    let answers: Vec<_> = (0..POOLS).map(ask).collect();
    let count =
        |status, word: &str| answers.iter().filter(|answer| **answer == (status, word.into())).count();
    (count(200, "YES"), count(503, "NO"))
}

#[test]
fn pools_are_spread_over_several_memcached_and_one_that_is_away_takes_only_its_own_with_it() {
    let (mut one, other) = (Memcached::start(), Memcached::start());
    let pools: String = (0..POOLS).map(|pool| format!("  - name: p{pool}\n")).collect();
    let servers = format!("memcache: {{timeout: 5, servers: [\"{}\", \"{}\"]}}", one.addr(), other.addr());
    let yaml = format!("backend: memcache\n{servers}\npools:\n{pools}");
    let members = [(); 2].map(|()| Member::alone(&yaml));

    assert_eq!(ask_all(&members[0], "ann"), (POOLS, 0));
    assert_eq!(ask_all(&members[1], "bob"), (0, 0), "both know where each pool is");
    one.is_killed();
    let (kept, away) = ask_all(&members[1], "ann");

    assert_eq!(kept + away, POOLS);
    assert!(kept > 0 && away > 0, "{kept} and {away}");
}
