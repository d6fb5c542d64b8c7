//! Jobs of one or more servers.

use std::{sync::Arc, time::Duration};

use super::testing::{LossyProxy, Memcached, TestServer, end, host, name, once, owner, renewal};
use crate::backend::memcache::{
    entry::{ServerRunId, keys::KeyNames},
    job::{ClaimResult, Job, LeaseSelector, run::run_all},
};

#[test]
fn slots_are_granted_renewed_and_released() {
    let memcached = Memcached::start(&[]);
    let mut server = TestServer::new(&memcached, 1, 1);
    let (ann, bob) = (once("ann"), once("bob"));
    let (ann_id, bob_id) = (ann.id, bob.id);

    assert_eq!(server.claim(vec![ann]), [ClaimResult::Granted]);
    let first = server.token(ann_id);
    assert_eq!(server.claim(vec![bob]), [ClaimResult::NoSlot]);
    assert!(server.renew(ann_id));
    assert_eq!(server.token(ann_id), first, "renewal keeps the token");
    assert!(!server.renew(bob_id));
    assert!(server.end(LeaseSelector::Lease(ann_id)));
    assert!(!server.end(LeaseSelector::Lease(ann_id)));

    let bob = once("bob");
    let bob_id = bob.id;
    assert_eq!(server.claim(vec![bob]), [ClaimResult::Granted]);
    assert!(server.token(bob_id) > first);
    assert!(server.token(bob_id) < 1 << 53);
}

#[test]
fn a_freed_slot_is_granted_in_the_same_exchange() {
    let memcached = Memcached::start(&[]);
    let mut server = TestServer::new(&memcached, 1, 1);
    let (ann, bob, cid) = (host("ann"), host("bob"), host("cid"));
    let (ann_id, bob_id) = (ann.id, bob.id);
    server.claim(vec![ann]);
    let before = commands(&memcached);

    let (job, result) = server.run(vec![end(LeaseSelector::Lease(ann_id))], vec![], vec![bob, cid]);

    result.unwrap();
    assert_eq!(job.ends[0].had, Some(true));
    assert_eq!(
        [job.claims[0].found, job.claims[1].found],
        [Some(ClaimResult::Granted), Some(ClaimResult::NoSlot)]
    );
    assert!(job.view.lease(bob_id).is_some());
    assert_eq!(
        commands(&memcached) - before,
        5,
        "a slot, the width, the pause, the hints and the store are read once"
    );
}

/// Number of reads that it has served.
pub(crate) fn commands(memcached: &Memcached) -> u64 {
    let stats =
        crate::backend::memcache::shard::stats::query(&memcached.stream(), "stats", Duration::from_secs(20))
            .unwrap();
    stats["get_hits"].parse::<u64>().unwrap() + stats["get_misses"].parse::<u64>().unwrap()
}

/// Carries out these jobs together, without errors.
fn run_well(server: &TestServer, jobs: &mut [Job]) {
    let mut done = 0;
    run_all(&server.connections, jobs, |_, _, result| {
        assert_eq!(result, Ok(()));
        done += 1;
    });
    assert_eq!(done, jobs.len());
}

/// Jobs of three pools, each of which ends the pool's lease.
fn jobs_of_three_pools(server: &TestServer) -> [Job; 3] {
    let job = |text| {
        let keys = Arc::new(KeyNames::new("test", &name(text)));
        Job { keys, ..server.job(vec![], vec![], vec![host("ann")]) }
    };
    let mut jobs = ["a", "b", "c"].map(job);
    run_well(server, &mut jobs);
    for job in &mut jobs {
        let claim = job.claims.remove(0);
        assert_eq!(claim.found, Some(ClaimResult::Granted));
        job.ends.push(end(LeaseSelector::Lease(claim.id)));
    }
    jobs
}

#[test]
fn jobs_of_several_pools_share_an_exchange() {
    let memcached = Memcached::start(&[]);
    let server = TestServer::new(&memcached, 1, 1);
    let mut jobs = jobs_of_three_pools(&server);
    let before = commands(&memcached);

    run_well(&server, &mut jobs);

    assert!(jobs.iter().all(|job| job.ends[0].had == Some(true)), "{jobs:?}");
    assert_eq!(
        commands(&memcached) - before,
        15,
        "a slot, the width, the pause, the hints and the store of each are read once"
    );
}

#[test]
fn every_job_of_a_lost_reply_finds_what_happened() {
    let memcached = Memcached::start(&[]);
    let proxy = LossyProxy::start(memcached.port);
    let server = TestServer::at(proxy.server(), 1, 1);
    let mut jobs = jobs_of_three_pools(&server);
    proxy.lose(1);

    run_well(&server, &mut jobs);

    assert!(jobs.iter().all(|job| job.ends[0].had == Some(true)), "{jobs:?}");
}

#[test]
fn a_requester_has_one_lease_on_all_servers() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut two) = (TestServer::new(&memcached, 1, 3), TestServer::new(&memcached, 2, 3));
    let (ann, bob) = (owner("web1", "ann"), host("web1"));
    let (ann_id, bob_id) = (ann.id, bob.id);

    assert_eq!(one.claim(vec![ann, bob]), [ClaimResult::Granted, ClaimResult::Granted]);
    let token = one.token(ann_id);
    let mut again = owner("web1", "ann");
    again.ttl = Some(Duration::from_secs(50));
    assert_eq!(
        two.claim(vec![again, host("web1")]),
        [ClaimResult::AlreadyHeld(ann_id), ClaimResult::AlreadyHeld(bob_id)]
    );

    let ann = two.view.lease(ann_id).unwrap().1;
    assert_eq!((ann.entry.by, ann.entry.ttl), (Some(ServerRunId(2)), Some(Duration::from_secs(50))));
    assert_eq!(ann.token().0, token);
    assert!(ann.left.unwrap() <= Duration::from_secs(51));
    let bob = two.view.lease(bob_id).unwrap().1;
    assert_eq!(bob.entry.by, None, "the first server must not take it back as undelivered");
    assert!(bob.left.unwrap() > Duration::from_secs(250));
    assert_eq!(two.view.taken_from(0), 2);
}

#[test]
fn of_two_leases_of_a_requester_the_older_one_stays() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut two) = (TestServer::new(&memcached, 1, 3), TestServer::new(&memcached, 2, 3));
    two.read_pool(); // all slots are free
    let (bob, ann) = (host("bob"), host("ann"));
    let (bob_id, ann_id) = (bob.id, ann.id);
    one.claim(vec![bob, ann]);
    one.end(LeaseSelector::Lease(bob_id));

    let found = two.claim(vec![host("ann")]); // takes the first slot, and then sees the second one

    assert_eq!(found, [ClaimResult::AlreadyHeld(ann_id)]);
    assert_eq!(two.view.taken_from(0), 1);
}

#[test]
fn a_lease_that_another_server_delivered_is_not_taken_back() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut two) = (TestServer::new(&memcached, 1, 1), TestServer::new(&memcached, 2, 1));
    let ann = host("ann");
    let id = ann.id;
    one.claim(vec![ann]);
    two.claim(vec![host("ann")]);

    let mut undelivered = end(LeaseSelector::Lease(id));
    undelivered.if_ours = true;
    let (job, result) = one.run(vec![undelivered], vec![], vec![]);

    result.unwrap();
    assert_eq!(job.ends[0].had, Some(false));
    assert!(job.view.lease(id).is_some());
    let mut once_more = end(LeaseSelector::Lease(id)); // and now it knows
    once_more.if_ours = true;
    one.run(vec![once_more], vec![], vec![]).1.unwrap();
    assert!(one.read_pool().lease(id).is_some());
    assert!(one.end(LeaseSelector::By(host("ann").requester)));
}

#[test]
fn a_job_serves_its_claims_in_order() {
    let memcached = Memcached::start(&[]);
    let mut server = TestServer::new(&memcached, 1, 2);
    let ann = owner("web1", "ann");
    let id = ann.id;
    let mut unwanted = host("zoe");
    unwanted.wants = false;

    let claims = vec![unwanted, ann, host("bob"), owner("web1", "ann"), host("cid"), host("bob")];
    let bob_id = claims[2].id;
    let found = server.claim(claims);

    use ClaimResult::{AlreadyHeld, Granted, NoSlot};
    assert_eq!(found, [NoSlot, Granted, Granted, AlreadyHeld(id), NoSlot, AlreadyHeld(bob_id)]);
    let (job, result) = server.run(vec![], vec![renewal(id), renewal(id)], vec![]);
    result.unwrap();
    assert!(job.renewals.iter().all(|renewal| renewal.lives == Some(true)));
}

#[test]
fn changes_of_other_servers_are_seen_before_a_write() {
    let memcached = Memcached::start(&[]);
    let (mut one, mut two) = (TestServer::new(&memcached, 1, 1), TestServer::new(&memcached, 2, 1));
    let (ann, bob) = (once("ann"), once("bob"));
    let (ann_id, bob_id) = (ann.id, bob.id);
    one.claim(vec![ann]);
    two.read_pool();
    assert!(one.renew(ann_id));

    assert!(two.renew(ann_id), "its CAS number is old");
    assert!(one.end(LeaseSelector::Lease(ann_id)), "and so is that");
    assert_eq!(one.claim(vec![bob]), [ClaimResult::Granted]);
    assert!(!two.end(LeaseSelector::Lease(ann_id)));
    assert!(two.view.lease(bob_id).is_some(), "another lease in its slot stays");
}

#[test]
fn a_lowered_maxlocks_grants_nothing_until_fewer_are_held() {
    let memcached = Memcached::start(&[]);
    let mut server = TestServer::new(&memcached, 1, 3);
    let claims = vec![once("a"), once("b"), once("c")];
    let ids: Vec<_> = claims.iter().map(|claim| claim.id).collect();
    server.claim(claims);

    server.slots = 2;
    assert_eq!(server.claim(vec![once("d")]), [ClaimResult::NoSlot]);
    assert!(server.end(LeaseSelector::Lease(ids[0])));
    assert_eq!(server.claim(vec![once("d")]), [ClaimResult::NoSlot], "two are held still");
    assert!(server.end(LeaseSelector::Lease(ids[1])));
    assert_eq!(server.claim(vec![once("d"), once("e")]), [ClaimResult::Granted, ClaimResult::NoSlot]);
    assert!(server.end(LeaseSelector::Lease(ids[2])));
    assert_eq!(server.view.slot_count(), 2, "the third is no longer read");
    assert_eq!(server.claim(vec![once("e"), once("f")]), [ClaimResult::Granted, ClaimResult::NoSlot]);
    server.slots = 3;
    assert_eq!(server.claim(vec![once("f"), once("g")]), [ClaimResult::Granted, ClaimResult::NoSlot]);
}

#[test]
fn a_server_with_fewer_slots_counts_all_held_slots() {
    let memcached = Memcached::start(&[]);
    let (mut few, mut many) = (TestServer::new(&memcached, 1, 1), TestServer::new(&memcached, 2, 3));
    few.read_pool();
    let claims = vec![once("a"), once("b"), once("c")];
    let ids: Vec<_> = claims.iter().map(|claim| claim.id).collect();
    many.claim(claims);

    assert!(many.end(LeaseSelector::Lease(ids[0])));
    assert_eq!(few.claim(vec![once("d")]), [ClaimResult::NoSlot], "it knew one slot, which is free");
    assert!(many.end(LeaseSelector::Lease(ids[1])) && many.end(LeaseSelector::Lease(ids[2])));
    assert_eq!(few.claim(vec![once("d")]), [ClaimResult::Granted]);
    assert_eq!(few.view.slot_count(), 1);
    assert_eq!(
        many.claim(vec![once("e"), once("f"), once("g")]),
        [ClaimResult::Granted, ClaimResult::Granted, ClaimResult::NoSlot]
    );
    assert_eq!(few.read_pool().taken_from(0), 3);
}
