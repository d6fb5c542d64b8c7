//! A disk that is full, that fails, or that does not answer: no slot is given without a record, everything else goes
//! on, and when the disk is well again, so is the server.

use std::{thread, time::Duration};

use serde_json::json;

use super::{
    disk::{MoodyDisk, SmallDisk},
    kept_in, pass,
};
use crate::{
    member::{Member, OLGA, json_of},
    server::{metrics::Numbers, v1::events::Stream},
    support::Client,
    wrapper::run::eventually,
};

const POOLS: &str = "pools: [{name: p, expire: 300, maxlocks: 1}, {name: many, maxlocks: 100000}]";

/// In this time a failed write is tried again, twice.
const RETRIES: Duration = Duration::from_millis(2200);

/// A server in front of such a disk: ann holds the slot of `p`, bob waits for it by v1 and cid behind him classically.
struct Scene {
    member: Member,
    ann: serde_json::Value,
    bob: Client,
    cid: Client,
}

impl Scene {
    fn before(member: Member) -> Self {
        let ann = member.gives("ann", "run1");
        let mut bob = member.server().connect();
        let ask = json!({"host": "bob", "owner": "run1", "wait": 600, "patience": 60});
        bob.post("/v1/pools/p/acquire", &ask.to_string());
        eventually("bob is parked", || member.look("/v1/pools/p").1["queue"]["length"] == 1);
        let cid = member.server().waiting("cid", "p");
        Self { member, ann, bob, cid }
    }

    /// While the disk is in trouble, of which the server knows.
    fn goes_on_as_far_as_it_can(&mut self) {
        let Self { member, ann, bob, cid } = self;
        let (status, answer) = member.call("acquire", &json!({"host": "dan"}));
        assert_eq!((status, &answer["kind"]), (503, &json!("backend_down")));
        assert_eq!(member.server().get("/get?host=dan&pool=many"), (503, "NO".to_owned()));
        assert_eq!(member.server().get("/wait?host=dan&pool=many"), (503, "NO".to_owned()));
        assert_eq!(member.renew(ann), (503, json!("backend_down")));
        let (status, state) = member.look("/v1/pools/p");
        assert_eq!((status, &state["holders"][0]["host"]), (200, &json!("ann")));
        assert_eq!(member.look("/v1/pools").0, 200);
        assert!(bob.is_parked(member.server()) && cid.is_parked(member.server()));
        assert_eq!(member.release(ann).0, 204);
        assert!(bob.is_parked(member.server()), "the slot is free, but not given without a record");
        pass(RETRIES); // the release is tried, too, and fails
    }

    /// When the disk is well again: all of it, without a restart.
    fn recovers(mut self) {
        let (status, bob) = json_of(self.bob.answer());
        assert_eq!(status, 201, "{bob}");
        self.member.says("state_directory_up");
        for words in ["state_directory_down", "state_directory_slow", "state_directory_up"] {
            assert!(self.member.log().matches(words).count() <= 1, "{}", self.member.log());
        }
        assert_eq!(self.member.renew(&bob).0, 200);

        self.member.is_restarted(); // what happened in the trouble is on the disk, too
        assert_eq!(self.member.renew(&self.ann).0, 410);
        assert_eq!(self.member.release(&bob).0, 204);
    }
}

/// Takes slots until one cannot be written down.
fn take_until_refused(member: &Member) {
    for host in 0..100_000 {
        match member.server().get(&format!("/get?host=host{host}&pool=many")) {
            (200, word) => assert_eq!(word, "YES"),
            (status, word) => return assert_eq!((status, word.as_str()), (503, "NO")),
        }
    }
    panic!("it was never full");
}

/// Needs the right to mount; where there is none, nothing is tested.
#[test]
fn a_full_disk() {
    let Some(disk) = SmallDisk::mount(1024) else { return };
    let mut scene = Scene::before(Member::alone(&kept_in(&disk.directory(), POOLS)));

    disk.fill();
    take_until_refused(&scene.member);
    scene.member.says("No space left on device");
    scene.goes_on_as_far_as_it_can();
    disk.empty();

    scene.recovers();
}

#[test]
fn a_disk_that_fails() {
    for (mood, words) in [("eio", "Input/output error"), ("enospc", "No space left on device")] {
        let disk = MoodyDisk::new();
        let mut scene = Scene::before(disk.server(POOLS));

        disk.becomes(mood);
        assert_eq!(scene.member.server().get("/get?host=dan&pool=many"), (503, "NO".to_owned()));
        scene.member.says(words);
        scene.goes_on_as_far_as_it_can();
        disk.recovers();

        scene.recovers();
    }
}

#[test]
fn a_disk_that_does_not_answer_is_waited_for_and_then_counts_as_away() {
    let disk = MoodyDisk::new();
    let mut scene = Scene::before(disk.server(POOLS));

    disk.becomes("slow");
    assert_eq!(scene.member.server().get("/get?host=dan&pool=many"), (503, "NO".to_owned()));
    scene.member.says("state_directory_slow path=");
    scene.goes_on_as_far_as_it_can();
    disk.recovers();

    scene.recovers();
}

#[test]
fn a_disk_that_is_slow_for_a_moment_only_delays_answers() {
    let disk = MoodyDisk::new();
    let member = disk.server(POOLS);

    disk.becomes("slow");
    let mut ann = member.server().connect();
    ann.send("/get?host=ann&pool=p");
    assert!(ann.is_parked(member.server()), "it is not on the disk");
    assert_eq!(member.look("/v1/pools/many").0, 200);
    disk.recovers();

    assert_eq!(ann.answer(), (200, "YES".to_owned()));
    assert!(!member.log().contains("WARN"), "{}", member.log());
}

#[test]
fn nothing_is_told_to_readers_of_events_before_it_is_on_the_disk() {
    let disk = MoodyDisk::new();
    let member = disk.server(POOLS);
    let mut events = Stream::of(member.server(), "");

    disk.becomes("slow");
    let mut ann = member.server().connect();
    ann.send("/get?host=ann&pool=p");
    assert!(ann.is_parked(member.server()), "it is not on the disk");
    assert!(events.is_silent());
    assert_eq!(member.look("/v1/pools/p/history").1["runs"], json!([]));
    disk.recovers();

    assert_eq!(events.words(1), ["granted ann"]);
    assert_eq!(ann.answer(), (200, "YES".to_owned()));
}

#[test]
fn readers_of_events_and_who_asks_whether_the_server_is_ready_learn_of_a_disk_that_fails() {
    let disk = MoodyDisk::new();
    let member = disk.server("pools: [{name: p, expire: 300}]");
    let mut events = Stream::of(member.server(), "");
    let number = |name: &str| Numbers::of(member.server()).get(name);
    let [up, errors] = ["pool_store_up{pool=\"p\"}", "backend_errors_total{backend=\"state\"}"];
    assert_eq!((number(up), number(errors)), (1.0, 0.0));

    disk.becomes("eio");
    assert_eq!(member.ask("get", "ann"), (503, "NO".to_owned()));

    assert_eq!(events.words(1), ["store_down"]); // nothing was granted
    assert!(!member.log().contains("granted pool"), "{}", member.log());
    let away = (503, "the store is unreachable".to_owned());
    assert_eq!(member.server().get("/readyz"), away);
    assert_eq!(member.server().get("/healthz").0, 200);
    assert!(number(up) == 0.0 && number(errors) > 0.0);
    disk.recovers();
    assert_eq!(events.words(1), ["store_up"]);
    assert_eq!(member.server().get("/readyz"), (200, "ready".to_owned()));
    assert_eq!(number(up), 1.0);
    assert_eq!(member.ask("get", "ann"), (200, "YES".to_owned()));
    assert_eq!(events.words(1), ["granted ann"]);
}

#[test]
fn what_was_answered_before_a_failing_disk_and_a_crash_is_remembered() {
    let disk = MoodyDisk::new();
    let mut member = disk.server(POOLS);
    let ann = member.gives("ann", "run1");
    disk.becomes("eio");
    assert_eq!(member.renew(&ann).0, 503);
    assert_eq!(member.server().get("/get?host=dan&pool=many").0, 503);

    member.is_killed();
    disk.recovers();
    member.comes();

    assert_eq!(member.renew(&ann).0, 200);
    let (_, state) = member.look("/v1/pools/many");
    assert!(state["held"] == 0 || state["holders"][0]["host"] == "dan", "{state}");
}

#[test]
fn a_grant_that_fails_takes_nobody_s_position_away() {
    let disk = MoodyDisk::new();
    let member = disk.server(POOLS);
    let ann = member.gives("ann", "run1");
    let [mut first, second] = ["first", "second"].map(|host| {
        let waiting = member.server().waiting(host, "p");
        let is_next = |state: serde_json::Value| {
            state["queue"]["waiters"].as_array().is_some_and(|all| all.iter().any(|one| one["host"] == host))
        };
        eventually("it stands in line", || is_next(member.look("/v1/pools/p").1));
        waiting
    });

    disk.becomes("eio");
    assert_eq!(member.release(&ann).0, 204);
    member.says("state_directory_down");
    assert!(first.is_parked(member.server()) && second.is_parked(member.server()));
    assert_eq!(member.look("/v1/pools/p").1["queue"]["length"], 2);
    disk.recovers();

    assert_eq!(first.answer(), (200, "YES".to_owned()));
    assert!(second.is_parked(member.server()));
}

#[test]
fn a_grant_is_not_answered_after_its_lease_has_ended() {
    let disk = MoodyDisk::new();
    let member = disk.server("pools: [{name: p, expire: 1}]");

    disk.becomes("slow");
    let mut ann = member.server().connect();
    ann.send("/get?host=ann&pool=p");
    assert!(ann.is_parked(member.server()), "it is not on the disk");
    pass(Duration::from_millis(1500));
    disk.recovers();

    assert_eq!(ann.answer(), (503, "NO".to_owned()));
}

#[test]
fn a_snapshot_shows_nothing_that_is_not_on_the_disk() {
    let disk = MoodyDisk::new();
    let member = disk.server(POOLS);
    disk.becomes("slow");
    let [mut ann, mut look, mut bob] = [(); 3].map(|()| member.server().connect());

    ann.send("/get?host=ann&pool=many");
    assert!(ann.is_parked(member.server()));
    look.send("/v1/pools/many");
    assert!(look.is_parked(member.server()), "ann's lease is not on the disk");
    bob.send("/get?host=bob&pool=many");
    assert!(bob.is_parked(member.server()));
    disk.recovers();

    assert_eq!(json_of(look.answer()).1["held"], 1);
    assert_eq!((ann.answer().0, bob.answer().0), (200, 200));
}

#[test]
fn while_the_disk_fails_operators_change_nothing() {
    let disk = MoodyDisk::new();
    let member = disk.server(&format!("{OLGA}{POOLS}"));
    let lease = member.gives("ann", "run1");
    disk.becomes("eio");
    assert_eq!(member.renew(&lease).0, 503);
    member.says("state_directory_down");

    for (action, body) in [
        ("pause", json!({"reason": "kernel update"})),
        ("resume", json!({"reason": "kernel update"})),
        ("force-release", json!({"token": lease["token"], "reason": "kernel update"})),
    ] {
        let (status, answer) = member.pull(action, &body);
        assert_eq!((status, &answer["kind"]), (503, &json!("backend_down")), "{action}");
    }

    let (_, state) = member.look("/v1/pools/p");
    assert_eq!((&state["paused"], &state["held"]), (&json!(null), &json!(1)));
}

#[test]
fn an_admin_action_that_is_not_written_has_not_happened() {
    for (action, needs_token) in [("pause", false), ("force-release", true), ("revoke", true)] {
        let disk = MoodyDisk::new();
        let member = disk.server(&format!("{OLGA}{POOLS}"));
        let lease = member.gives("ann", "run1");
        let bob = member.server().waiting("bob", "p");
        let token = if needs_token { &lease["token"] } else { &json!(null) };
        let body = json!({"token": token, "reason": "kernel update"});

        disk.becomes("slow");
        let (status, answer) = thread::scope(|scope| {
            let pulled = scope.spawn(|| member.pull(action, &body));
            pass(Duration::from_millis(300));
            disk.becomes("eio");
            pulled.join().unwrap()
        });
        assert_eq!((status, &answer["kind"]), (503, &json!("backend_down")), "{action}");
        assert!(bob.is_parked(member.server()));
        disk.recovers();
        member.says("state_directory_up");

        let (_, state) = member.look("/v1/pools/p");
        let holder = &state["holders"][0];
        assert_eq!((&state["paused"], &holder["host"]), (&json!(null), &json!("ann")), "{action}");
        assert_eq!(member.renew(&lease).0, 200);
        assert!(holder["revoked"].is_null() && bob.is_parked(member.server()));
    }
}
