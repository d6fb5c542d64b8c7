//! Full memcached and several servers: a refused write leaves the entry as it is.

use std::time::{Duration, SystemTime};

use super::testing::{Memcached, TestServer, end, once, renewal};
use crate::{
    backend::memcache::{
        entry::pause::PauseChange,
        job::{ClaimResult, Job, LeaseSelector, run},
    },
    pool::{LeaseId, Operator},
};

/// A memcached small enough to be filled.
fn small() -> Memcached {
    Memcached::start(&["-m", "2"])
}

/// A server, and a lease that it granted.
fn server_and_lease(memcached: &Memcached, slots: usize) -> (TestServer, LeaseId) {
    let mut server = TestServer::new(memcached, 1, slots);
    let ann = once("ann");
    let id = ann.id;
    assert_eq!(server.claim(vec![ann]), [ClaimResult::Granted]);
    (server, id)
}

/// Whether a renewal to `ttl` succeeds; `None`: memcached refused it.
fn renew(server: &mut TestServer, id: LeaseId, ttl: Option<Duration>) -> Option<bool> {
    let mut renewal = renewal(id);
    renewal.ttl = ttl;
    let (job, result) = server.run(vec![], vec![renewal], vec![]);
    result.unwrap();
    assert!(job.renewals[0].lives.is_some() || job.refused.is_some());
    job.renewals[0].lives
}

#[test]
fn a_refused_renewal_leaves_the_lease_unchanged() {
    let memcached = small();
    let (mut one, id) = server_and_lease(&memcached, 2);
    let mut other = TestServer::new(&memcached, 2, 2);
    other.read_pool();
    memcached.fill();

    assert_eq!(renew(&mut other, id, None), None);
    assert_eq!(renew(&mut one, id, None), None, "it would be the first change, and say the token");
    assert_eq!(one.read_pool().taken_from(0), 1);

    assert!(one.end(LeaseSelector::Lease(id)), "what needs no memory is done");
}

#[test]
fn a_renewal_that_only_moves_the_end_needs_no_memory() {
    let memcached = small();
    let (mut one, id) = server_and_lease(&memcached, 2);
    let mut other = TestServer::new(&memcached, 2, 2);
    assert!(one.renew(id));
    let token = one.token(id);
    other.read_pool();
    memcached.fill();

    let before = one.view.lease(id).unwrap().1.cas;
    assert_eq!(renew(&mut one, id, None), Some(true));
    assert_eq!(renew(&mut one, id, Some(Duration::from_secs(7))), None, "another time has to be written");
    assert_eq!(renew(&mut other, id, None), None, "it has to write that it ends it in time");
    assert_eq!(renew(&mut one, id, None), Some(true));

    let held = other.read_pool().lease(id).unwrap().1.clone();
    assert!(held.cas > before && held.prolonged && held.left > Some(Duration::from_secs(290)), "{held:?}");
    assert_eq!((held.token().0, held.time()), (token, None));
}

#[test]
fn writes_planned_from_an_old_view_harm_no_lease() {
    let memcached = small();
    let (mut one, id) = server_and_lease(&memcached, 2);
    let (mut early, mut old) = (TestServer::new(&memcached, 2, 2), TestServer::new(&memcached, 3, 2));
    old.read_pool();
    one.end(LeaseSelector::Lease(id));
    early.read_pool();
    let bob = once("bob");
    let bob_id = bob.id;
    assert_eq!(one.claim(vec![bob]), [ClaimResult::Granted]);
    memcached.fill();

    assert_eq!(renew(&mut old, id, None), Some(false), "its slot is another's now");
    let (job, result) = early.run(vec![], vec![], vec![once("cid")]); // as if that slot were free
    assert_eq!((result, job.claims[0].found), (Ok(()), None));
    assert!(job.refused.unwrap().contains("out of memory"));

    assert!(one.read_pool().lease(bob_id).is_some());
}

#[test]
fn a_refused_write_harms_neither_pause_nor_width() {
    let memcached = small();
    let (mut server, id) = server_and_lease(&memcached, 2);
    let pause = |reason: &str| {
        Some(Operator { author: "olga".into(), reason: reason.into(), at: SystemTime::UNIX_EPOCH })
    };
    server.pause(pause("short"));
    memcached.fill();

    let pausing = Some(PauseChange { to: pause("another reason"), is_done: false, has_changed: false });
    let mut job = Job { pausing, ..server.job(vec![], vec![], vec![once("bob")]) };
    run::run(&server.connections, &mut job).unwrap();
    assert!(!job.pausing.unwrap().is_done);
    assert_eq!(server.read_pool().paused.as_ref().map(|pause| &*pause.operator.reason), Some("short"));
    server.pause(None);
    server.slots = 3;
    let (job, result) = server.run(vec![end(LeaseSelector::Lease(id))], vec![], vec![]);
    assert_eq!((result, job.ends[0].had), (Ok(()), Some(true)));

    assert_eq!(server.read_pool().slot_count(), 2);
}
