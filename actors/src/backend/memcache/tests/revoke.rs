//! Revoked leases, and renewals at several servers.

use std::time::{Duration, SystemTime};

use super::testing::{Memcached, TIMEOUT, TestServer, host, owner, renewal};
use crate::{
    backend::memcache::{
        job::{Claim, ClaimResult, Job, LeaseSelector, revoke::RevokeLease, run},
        shard::protocol,
    },
    pool::{LeaseId, Operator},
};

const SECOND: Duration = Duration::from_secs(1);

fn operator(reason: &str) -> Operator {
    Operator { author: "olga".into(), reason: reason.into(), at: SystemTime::UNIX_EPOCH }
}

/// Revokes a lease; whether there was one.
fn revoke(server: &mut TestServer, id: LeaseId, within: Option<Duration>, reason: &str) -> Option<bool> {
    let revokes = vec![RevokeLease { id, within, operator: operator(reason), is_done: None }];
    let mut job = Job { revokes, ..server.job(vec![], vec![], vec![]) };
    run::run(&server.connections, &mut job).unwrap();
    (server.view, server.highest_token) = (job.view.clone(), job.highest_token);
    job.revokes[0].is_done
}

/// Two servers, the first of which granted this claim, and its lease.
fn granted(memcached: &Memcached, claim: Claim) -> (TestServer, TestServer, LeaseId) {
    let (mut one, mut other) = (TestServer::new(memcached, 1, 1), TestServer::new(memcached, 2, 1));
    let id = claim.id;
    assert_eq!(one.claim(vec![claim]), [ClaimResult::Granted]);
    other.read_pool();
    (one, other, id)
}

/// Remaining seconds of the lease according to memcached.
fn left(server: &mut TestServer, id: LeaseId) -> u64 {
    server.read_pool().lease(id).unwrap().1.left.unwrap().as_secs()
}

#[test]
fn a_renewal_keeps_the_revocation_and_extends_nothing() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut other, id) = granted(&memcached, owner("ann", "o"));
    let (token, before) = (one.token(id), left(&mut one, id));

    assert_eq!(revoke(&mut other, id, Some(SECOND * 30), "hotfix"), Some(true));
    assert!(one.renew(id) && other.renew(id) && one.renew(id));

    let (_, held) = other.read_pool().lease(id).unwrap();
    assert_eq!(held.entry.revoked.as_ref().map(|note| &note.operator), Some(&operator("hotfix")));
    assert_eq!((held.token().0, held.entry.by), (token, None));
    assert!((before - 10..=before).contains(&left(&mut one, id)));
}

#[test]
fn a_renewal_extends_a_lease_to_its_revocation_limit() {
    let memcached = Memcached::start(&[]);
    let short = Claim { ttl: Some(SECOND * 20), ..owner("ann", "o") };
    let (mut one, mut other, id) = granted(&memcached, short);

    assert_eq!(revoke(&mut other, id, Some(SECOND * 60), "hotfix"), Some(true));
    let long = |server: &mut TestServer| {
        let mut renewal = renewal(id);
        renewal.ttl = Some(SECOND * 300);
        let (job, result) = server.run(vec![], vec![renewal], vec![]);
        result.unwrap();
        assert_eq!(job.renewals[0].lives, Some(true));
    };
    long(&mut one);
    let extended = left(&mut other, id);
    long(&mut other);
    let again = one.claim(vec![Claim { ttl: Some(SECOND * 300), ..owner("ann", "o") }]);

    assert!((50..=63).contains(&extended), "{extended}");
    assert_eq!(again, [ClaimResult::AlreadyHeld(id)]);
    assert!(left(&mut one, id) <= extended);
}

#[test]
fn a_second_revoke_can_only_shorten_the_first() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut other, id) = granted(&memcached, owner("ann", "o"));
    let end =
        |server: &mut TestServer| server.read_pool().lease(id).unwrap().1.entry.revoked.as_ref().unwrap().end;

    assert_eq!(revoke(&mut one, id, None, "by default its time to live"), Some(true));
    let first = end(&mut one);
    assert_eq!(revoke(&mut other, id, Some(SECOND * 60), "shorter"), Some(true));
    let second = end(&mut one);
    assert_eq!(revoke(&mut one, id, Some(SECOND * 90), "longer"), Some(true));

    assert!((230..=250).contains(&(first - second)), "{first} {second}");
    assert_eq!(end(&mut other), second);
}

#[test]
fn a_revocation_of_another_writer_may_have_any_end() {
    let memcached = Memcached::start(&[]);
    let (mut one, _, id) = granted(&memcached, owner("ann", "o"));
    assert_eq!(revoke(&mut one, id, Some(SECOND), "hotfix"), Some(true));
    let (_, held) = one.view.lease(id).unwrap();
    let note = held.entry.revoked.as_ref().unwrap();
    let value = held.entry.write().replace(&note.end.to_string(), &u64::MAX.to_string());
    let command = protocol::MemcacheCommand::swap("test:pool1:0", held.cas, value, held.entry.end);
    protocol::MemcacheConnection::new(memcached.stream(), TIMEOUT).exchange(&[command]).unwrap();

    let (_, held) = one.read_pool().lease(id).unwrap();

    assert!(held.revoked(tokio::time::Instant::now()).is_some());
    assert!(one.renew(id));
}

#[test]
fn a_classic_lease_is_revoked_and_ends_as_before() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut other, id) = granted(&memcached, host("ann"));
    let before = left(&mut one, id);

    assert_eq!(revoke(&mut other, id, Some(SECOND), "hotfix"), Some(true));
    assert_eq!(one.claim(vec![host("ann")]), [ClaimResult::AlreadyHeld(id)]);

    assert!((before - 10..=before).contains(&left(&mut one, id)));
    assert!(one.end(LeaseSelector::Lease(id)));
    assert_eq!(revoke(&mut other, id, None, "too late"), Some(false));
}

#[test]
fn a_full_memcached_refuses_a_revocation() {
    let memcached = Memcached::start(&["-m", "2"]);
    let (mut one, mut other, id) = granted(&memcached, owner("ann", "o"));
    memcached.fill();

    assert_eq!(revoke(&mut one, id, None, "hotfix"), None);

    assert!(other.read_pool().lease(id).unwrap().1.entry.revoked.is_none());
}

#[test]
fn a_lease_whose_expiry_was_moved_keeps_its_end() {
    let memcached = Memcached::start(&[]);
    let (mut one, _, id) = granted(&memcached, owner("ann", "o"));
    let (_, held) = one.view.lease(id).unwrap();
    let later =
        protocol::MemcacheCommand::prolong("test:pool1:0", held.cas, held.entry.end.map(|end| end + 100));
    protocol::MemcacheConnection::new(memcached.stream(), TIMEOUT).exchange(&[later]).unwrap();
    let before = left(&mut one, id);
    assert!(one.view.lease(id).unwrap().1.prolonged);

    assert_eq!(revoke(&mut one, id, Some(SECOND), "hotfix"), Some(true));

    let (_, held) = one.read_pool().lease(id).unwrap();
    assert!(!held.prolonged && before > 390, "{before}");
    assert!((before - 10..=before + 2).contains(&held.left.unwrap().as_secs()));
}
