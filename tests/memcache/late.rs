//! Writes that arrive late: the network delivers what a server sent before it gave up and closed the connection.

use serde_json::{Value, json};

use super::{
    memcached::Memcached,
    proxy::{Fate, Mood, Proxy},
};
use crate::{faults::chance::Chance, member::Member, wrapper::run::eventually};

/// A server behind a proxy, and one that talks to the same memcached directly. Both give up soon.
struct Scene {
    far: Member,
    near: Member,
    proxy: Proxy,
    _memcached: Memcached,
}

impl Scene {
    fn start(pool: &str) -> Self {
        let memcached = Memcached::start();
        let proxy = Proxy::to(memcached.addr(), &mut Chance::new());
        let yaml = format!("memcache: {{timeout: 0.3}}\npools: [{pool}]");
        let (far, near) = (Member::start(proxy.addr(), &yaml), Member::start(memcached.addr(), &yaml));
        Self { far, near, proxy, _memcached: memcached }
    }

    /// The far server sends something and waits for the answer in vain: it arrives when the proxy lets it go.
    fn sends_in_vain(&self, send: impl FnOnce(&Member) -> u16) {
        self.proxy.becomes(Mood::Always(Fate::IsHeld));
        assert_eq!(send(&self.far), 503);
        self.proxy.becomes(Mood::Whole);
    }
}

#[test]
fn a_late_write_neither_doubles_nor_ends_a_good_lease() {
    let scene = Scene::start("{name: p, expire: 300, maxlocks: 2}");
    let far = &scene.far;
    let (ann, bob) = (far.gives("ann", "o"), far.gives("bob", "o"));
    let mut cid = far.server().connect();
    cid.post("/v1/pools/p/acquire", &json!({"host": "cid", "owner": "o", "wait": 60}).to_string());
    far.line_is(1);
    scene.sends_in_vain(|far| far.release(&ann).0); // ann's slot would go to cid
    eventually("bob's slot is free", || far.release(&bob).0 == 204);
    let (status, body) = cid.answer();
    assert_eq!(status, 201, "{body}");
    let cid: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(far.release(&ann).0, 204);

    scene.proxy.lets_go();
    let mut dan = scene.near.server().connect();
    dan.post("/v1/pools/p/acquire", &json!({"host": "dan", "owner": "o", "wait": 60}).to_string());
    assert_eq!(dan.answer().0, 201);
    let (status, renewed) = far.call("renew", &json!({"lease": cid["lease"]}));

    assert_eq!((status, &renewed["token"]), (200, &cid["token"]));
    for member in [far, &scene.near] {
        assert_eq!(member.ask("get", "eve"), (200, "NO".into()), "two slots are held");
    }
    assert_eq!(far.release(&cid).0, 204);
    assert_eq!(far.ask("get", "eve"), (200, "YES".into()));
}

#[test]
fn a_slot_that_is_taken_late_for_nobody_is_free_soon() {
    for expire in [300, 0] {
        let scene = Scene::start(&format!("{{name: p, expire: {expire}}}"));
        assert_eq!(scene.far.ask("get", "ann"), (200, "YES".into()));
        assert_eq!(scene.far.ask("release", "ann"), (200, "OK".into()));
        scene.sends_in_vain(|far| far.ask("get", "bob").0);
        eventually("memcached is back", || scene.far.ask("release", "ann").0 == 200);

        scene.proxy.lets_go();

        let mut cid = scene.near.server().waiting("cid", "p");
        assert_eq!(cid.answer(), (200, "YES".into()));
        eventually("the far server sees who holds", || {
            let (_, state) = scene.far.look("/v1/pools/p");
            state["holders"][0]["host"] == "cid" && state["held"] == 1
        });
    }
}

#[test]
fn a_late_release_does_not_end_what_its_host_was_told_of_later() {
    let scene = Scene::start("{name: p, expire: 300}");
    let far = &scene.far;
    assert_eq!(far.ask("get", "ann"), (200, "YES".into()));
    scene.sends_in_vain(|far| far.ask("release", "ann").0);
    eventually("she is told that she holds", || far.ask("get", "ann") == (200, "YES".into()));

    scene.proxy.lets_go();
    let mut bob = scene.near.server().waiting("bob", "p");
    scene.near.line_is(1);
    assert!(bob.is_parked(scene.near.server()));
    assert_eq!(far.ask("release", "ann"), (200, "OK".into()));

    assert_eq!(bob.answer(), (200, "YES".into()));
}
