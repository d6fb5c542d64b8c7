//! Entries of the store, and a memcached that restarts.

use std::{io::Write, time::Duration};

use super::testing::{LossyProxy, Memcached, TestServer, once};
use crate::backend::memcache::job::{ClaimResult, LeaseSelector};

/// Sends a text command, and returns the first line of the reply.
fn send_command(memcached: &Memcached, command: &str) -> String {
    use std::io::{BufRead, BufReader};

    let mut stream = memcached.stream();
    stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn put(memcached: &Memcached, key: &str, value: &str) {
    assert_eq!(send_command(memcached, &format!("set {key} 0 0 {}\r\n{value}", value.len())), "STORED");
}

#[test]
fn an_unparsable_value_occupies_its_slot_and_stays() {
    let memcached = Memcached::start(&[]);
    let mut server = TestServer::new(&memcached, 1, 2);
    put(&memcached, "test:pool1:0", "{\"v\":2}");

    assert_eq!(server.claim(vec![once("a"), once("b")]), [ClaimResult::Granted, ClaimResult::NoSlot]);

    assert_eq!(server.view.foreign, [0]);
    assert_eq!(send_command(&memcached, "get test:pool1:0"), "VALUE test:pool1:0 0 7");
    assert_eq!(send_command(&memcached, "delete test:pool1:0"), "DELETED");
    assert_eq!(server.claim(vec![once("b")]), [ClaimResult::Granted]);
}

#[test]
fn invalid_entries_of_the_width_and_the_store_are_errors() {
    for (key, value) in [("test:pool1:width", "?"), ("test:pool1:width", "4000000000"), ("test:store", "?")] {
        let memcached = Memcached::start(&[]);
        put(&memcached, key, value);

        let (job, result) = TestServer::new(&memcached, 1, 1).run(vec![], vec![], vec![once("a")]);

        assert!(format!("{result:?}").contains("has an invalid"), "{result:?}");
        assert_eq!(job.claims[0].found, None);
    }
}

#[test]
fn without_cas_numbers_nothing_is_granted() {
    let memcached = Memcached::start(&["-C"]);

    let (job, result) = TestServer::new(&memcached, 1, 1).run(vec![], vec![], vec![once("a")]);

    assert!(format!("{result:?}").contains("without -C"), "{result:?}");
    assert_eq!(job.claims[0].found, None);
}

#[test]
fn tokens_rise_across_a_restart_of_memcached() {
    let mut memcached = Memcached::start(&[]);
    let proxy = LossyProxy::start(memcached.port);
    let mut one = TestServer::at(proxy.server(), 1, 1);
    let ann = once("ann");
    let ann_id = ann.id;
    one.claim(vec![ann]);
    one.highest_token += 1 << 50; // as if the clock had been far ahead
    let (highest_token, store) = (one.highest_token, one.view.store.clone());

    memcached.stop();
    let memcached = Memcached::start(&[]);
    proxy.lead_to(memcached.port);
    let mut two = TestServer::at(proxy.server(), 2, 1); // it does not know that token
    let bob = once("bob");
    let bob_id = bob.id;
    assert_eq!(two.claim(vec![bob]), [ClaimResult::Granted]);

    assert!(!one.renew(ann_id), "it is gone, and bob's entry may have the same CAS number");
    assert_ne!(one.view.store.as_ref().map(|store| &store.id), store.as_ref().map(|store| &store.id));
    assert!(two.end(LeaseSelector::Lease(bob_id)));
    let cid = once("cid");
    let cid_id = cid.id;
    assert_eq!(two.claim(vec![cid]), [ClaimResult::Granted]);
    assert!(two.token(cid_id) > highest_token);
}

#[test]
fn a_lost_width_or_store_is_written_again() {
    let memcached = Memcached::start(&[]);
    let mut server = TestServer::new(&memcached, 1, 2);
    let ann = once("ann");
    let id = ann.id;
    server.claim(vec![ann]);
    let token = server.token(id);

    for key in ["test:pool1:width", "test:store"] {
        assert_eq!(send_command(&memcached, &format!("delete {key}")), "DELETED");
        let bob = once("bob");
        let bob_id = bob.id;
        assert_eq!(server.claim(vec![bob]), [ClaimResult::Granted], "{key}");
        assert!(server.token(bob_id) > token);
        assert_eq!(server.view.slot_count(), 2);
        assert_eq!(server.token(id), token);
        assert!(server.end(LeaseSelector::Lease(bob_id)));
    }
}

#[test]
fn long_and_endless_leases_are_kept() {
    let memcached = Memcached::start(&[]);
    let mut server = TestServer::new(&memcached, 1, 2);
    let (mut year, mut ever) = (once("year"), once("ever"));
    (year.ttl, ever.ttl) = (Some(Duration::from_secs(365 * 86_400)), None);
    let (year_id, ever_id) = (year.id, ever.id);

    assert_eq!(server.claim(vec![year, ever]), [ClaimResult::Granted, ClaimResult::Granted]);
    assert!(server.renew(year_id) && server.renew(ever_id));

    let left = server.view.lease(year_id).unwrap().1.left.unwrap().as_secs();
    assert!((365 * 86_400 - 60..=365 * 86_400 + 2).contains(&left), "{left}");
    assert_eq!(server.view.lease(ever_id).unwrap().1.left, None);
}
