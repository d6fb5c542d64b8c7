//! Levers are true for all servers of a memcached, whichever is told.

use serde_json::{Value, json};

use super::{
    memcached::Memcached,
    proxy::{Fate, Mood, Proxy},
};
use crate::{
    faults::chance::Chance,
    member::{Member, OLGA, json_of},
    support::{Client, post},
    wrapper::{revoked::is_stopped_before_the_next_gets_the_slot, run::eventually},
};

/// One slot, and leases that last.
const LASTING: &str = "pools: [{name: p, expire: 300}]";

/// A server of this memcached, whose operator is Olga.
fn start(memcached: std::net::SocketAddr) -> Member {
    Member::start(memcached, &format!("{OLGA}{LASTING}"))
}

fn pause() -> Value {
    json!({"reason": "kernel update"})
}

/// Who paused the pool, why and since when, as this server tells.
fn paused(member: &Member) -> Value {
    member.look("/v1/pools/p").1["paused"].clone()
}

/// An acquire of this owner that stands in line when this returns.
fn waits(member: &Member, host: &str) -> Client {
    let mut client = member.server().connect();
    let body = json!({"host": host, "owner": "o", "wait": 60}).to_string();
    client.send_raw(&post("/v1/pools/p/acquire", &body));
    eventually("it stands in line", || {
        let (_, state) = member.look("/v1/pools/p");
        state["queue"]["waiters"].as_array().unwrap().iter().any(|waiting| waiting["host"] == host)
    });
    client
}

/// What this server counts under this name and these labels.
fn counted(member: &Member, what: &str) -> u64 {
    let (_, metrics) = member.server().get("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {what} in {metrics}")).parse().unwrap()
}

/// How this server says that a lease ended: for programs, and for people.
fn ended(member: &Member, lease: &Value) -> (Value, String) {
    let (status, lost) = member.call("release", &json!({"lease": lease["lease"]}));
    assert_eq!(status, 410, "{lost}");
    (lost["ended"]["how"].clone(), lost["message"].as_str().unwrap().to_owned())
}

#[test]
fn a_pool_that_is_paused_at_one_grants_nothing_at_the_other_until_it_goes_on() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    let lease = other.gives("ann", "o");

    let (status, state) = one.pull("pause", &pause());

    assert_eq!(status, 200, "{state}");
    assert_eq!(state["paused"]["author"], "olga", "{state}");
    assert_eq!(state["holders"][0]["host"], "ann", "{state}");
    assert_eq!(other.renew(&lease).0, 200);
    assert_eq!(other.release(&lease).0, 204);
    assert_eq!(other.ask("get", "bob"), (200, "NO".into()));
    let (status, denied) = other.call("acquire", &json!({"host": "bob"}));
    assert_eq!((status, &denied["kind"]), (423, &json!("pool_paused")), "{denied}");
    assert_eq!(denied["paused"], state["paused"]);
    assert_eq!(denied["paused"]["reason"], "kernel update");
    assert!(denied["message"].as_str().unwrap().contains("paused by olga: kernel update"), "{denied}");
    other.says("paused pool=p author=olga reason=\"kernel update\"");
    assert_eq!(counted(&other, "distributex_pool_paused{pool=\"p\"}"), 1);

    let (mut bob, mut cid) = (waits(&one, "bob"), one.server().waiting("cid", "p"));
    one.line_is(2);
    let (status, state) = other.pull("resume", &json!({}));
    assert_eq!((status, &state["paused"]), (200, &Value::Null), "{state}");
    let (status, lease) = json_of(bob.answer());
    assert_eq!(status, 201, "{lease}");
    assert!(cid.is_parked(one.server()));
    assert_eq!(other.release(&lease).0, 204);
    assert_eq!(cid.answer(), (200, "YES".into()));
    one.says("resumed pool=p");
}

#[test]
fn a_wait_that_ends_while_the_other_has_paused_the_pool_is_told_so() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    assert_eq!(other.pull("pause", &pause()).0, 200);

    let (status, denied) = one.call("acquire", &json!({"host": "bob", "wait": 0.3}));

    assert_eq!((status, &denied["kind"], &denied["position"]), (423, &json!("pool_paused"), &json!(1)));
    assert_eq!(denied["paused"]["author"], "olga", "{denied}");
}

#[test]
fn a_pause_outlives_all_servers() {
    let memcached = Memcached::start();
    let (mut one, mut other) = (start(memcached.addr()), start(memcached.addr()));
    let (_, state) = one.pull("pause", &pause());

    one.is_killed();
    other.is_killed();
    one.comes();
    other.comes();

    for member in [&one, &other] {
        assert_eq!(member.ask("get", "bob"), (200, "NO".into()));
        assert_eq!(paused(member), state["paused"]);
    }
    assert_eq!(other.pull("resume", &json!({})).0, 200);
    assert_eq!(one.ask("get", "bob"), (200, "YES".into()));
}

#[test]
fn a_lease_of_one_that_is_ended_by_force_at_the_other_is_gone_everywhere() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    let lease = one.gives("ann", "o");
    let mut bob = waits(&one, "bob");
    let force = json!({"token": lease["token"], "reason": "web1 is broken"});

    let (status, forced) = other.pull("force-release", &force);

    assert_eq!(status, 200, "{forced}");
    assert_eq!((&forced["host"], &forced["token"]), (&json!("ann"), &lease["token"]));
    assert!((295.0..=303.0).contains(&forced["may_run_for"].as_f64().unwrap()), "{forced}");
    let (status, next) = json_of(bob.answer());
    assert_eq!(status, 201, "{next}");
    assert!(next["token"].as_u64() > lease["token"].as_u64());
    assert_eq!(one.renew(&lease), (410, "lease_lost".into()));
    assert_eq!(other.renew(&lease), (410, "lease_lost".into()));
    assert_eq!(other.pull("force-release", &force).0, 404);
    assert_eq!(
        ended(&other, &lease),
        (json!("force_released"), "this lease was force-released by olga: \"web1 is broken\"".into())
    );
    let (how, message) = ended(&one, &lease);
    assert_eq!(how, "vanished");
    assert!(message.starts_with("this lease is no longer in the store"), "{message}");

    other.says("force_released pool=p host=ann");
    assert_eq!(counted(&other, "distributex_leases_ended_total{pool=\"p\",reason=\"force_released\"}"), 1);
    let (_, history) = other.look("/v1/pools/p/history");
    assert_eq!(
        (&history["runs"][0]["how"], &history["runs"][0]["author"]),
        (&json!("force_released"), &json!("olga"))
    );
    one.says("vanished pool=p host=ann");
    one.says("renewal_refused pool=p host=ann");
    assert_eq!(counted(&one, "distributex_leases_ended_total{pool=\"p\",reason=\"vanished\"}"), 1);
    assert_eq!(counted(&one, "distributex_renewals_refused_total{pool=\"p\"}"), 1);
    let (_, history) = one.look("/v1/pools/p/history");
    assert_eq!(
        (&history["runs"][0]["host"], &history["runs"][0]["how"]),
        (&json!("ann"), &json!("vanished"))
    );
}

#[test]
fn what_another_server_ended_is_not_in_the_store() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    let lease = one.gives("ann", "o");
    assert_eq!(other.look("/v1/pools/p").1["held"], 1);
    assert_eq!(one.release(&lease).0, 204);

    assert_eq!(other.look("/v1/pools/p").1["held"], 0);

    assert_eq!(ended(&other, &lease).0, "vanished");
    assert_eq!(ended(&one, &lease).0, "released");
}

#[test]
fn a_lease_of_one_that_is_revoked_at_the_other_is_released_before_the_next_has_it() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    let lease = one.gives("ann", "o");
    let mut bob = waits(&other, "bob");
    let by_olga = json!({"author": "olga", "reason": "hotfix"});

    let revoke = json!({"token": lease["token"], "within": 60, "reason": "hotfix"});
    let (status, revoked) = other.pull("revoke", &revoke);

    assert_eq!(status, 200, "{revoked}");
    assert_eq!((&revoked["host"], &revoked["notified"]), (&json!("ann"), &json!(true)));
    for member in [&one, &other] {
        let (status, renewed) = member.call("renew", &json!({"lease": lease["lease"]}));
        assert_eq!((status, &renewed["revoked"]), (200, &by_olga), "{renewed}");
        let (status, again) = member.call("acquire", &json!({"host": "ann", "owner": "o"}));
        assert_eq!((status, &again["revoked"], &again["token"]), (200, &by_olga, &lease["token"]), "{again}");
        assert!(
            again["expires_in"].as_f64().unwrap() <= 300.0 && again["ttl"] == again["expires_in"],
            "{again}"
        );
        assert_eq!(member.look("/v1/pools/p").1["holders"][0]["revoked"]["author"], "olga");
    }
    assert!(bob.is_parked(other.server()));
    assert_eq!(one.release(&lease).0, 204);
    assert_eq!(bob.answer().0, 201);
    let (_, history) = one.look("/v1/pools/p/history");
    assert_eq!(
        (&history["runs"][0]["how"], &history["runs"][0]["author"]),
        (&json!("released"), &json!("olga"))
    );
    assert_eq!(other.pull("revoke", &revoke).0, 404);
    other.says("revoked pool=p host=ann");
}

#[test]
fn a_command_that_is_revoked_at_the_other_is_dead_before_the_next_has_its_slot() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));

    is_stopped_before_the_next_gets_the_slot(&one, &other);
}

#[test]
fn a_revoked_lease_whose_holder_is_dead_expires() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    let (status, lease) = one.call("acquire", &json!({"host": "ann", "owner": "o", "ttl": 1}));
    assert_eq!(status, 201, "{lease}");

    let revoke = json!({"token": lease["token"], "within": 0, "reason": "hotfix"});
    assert_eq!(other.pull("revoke", &revoke).0, 200);

    one.says("expired pool=p host=ann");
    let (how, message) = ended(&one, &lease);
    assert_eq!(how, "expired");
    assert!(message.starts_with("this lease was revoked by olga: \"hotfix\", and expired "), "{message}");
}

#[test]
fn a_lease_that_is_ended_by_force_goes_to_who_waits_there_in_the_same_moment() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    assert_eq!(one.ask("get", "ann"), (200, "YES".into()));
    let mut bob = waits(&other, "bob");
    let token = &other.look("/v1/pools/p").1["holders"][0]["token"];

    let (status, forced) = other.pull("force-release", &json!({"token": token, "reason": "it hangs"}));

    assert_eq!((status, &forced["host"]), (200, &json!("ann")));
    assert_eq!(bob.answer().0, 201);
    assert_eq!(one.ask("get", "ann"), (200, "NO".into()));
}

#[test]
fn the_line_is_that_of_one_server() {
    let memcached = Memcached::start();
    let (one, other) = (start(memcached.addr()), start(memcached.addr()));
    let lease = one.gives("ann", "o");
    let (_bob, mut cid) = (waits(&one, "bob"), waits(&one, "cid"));
    let ticket = &one.look("/v1/pools/p").1["queue"]["waiters"][1]["ticket"];
    let front = json!({"ticket": ticket, "reason": "it is late"});

    for action in ["promote", "evict"] {
        let (status, answer) = other.pull(action, &front);
        assert_eq!((status, &answer["kind"]), (404, &json!("not_found")), "{action}");
    }
    assert_eq!(one.pull("promote", &front).0, 200);

    assert_eq!(other.release(&lease).0, 204);
    assert_eq!(cid.answer().0, 201);
}

#[test]
fn while_memcached_is_away_no_lever_of_all_servers_is_pulled() {
    let mut memcached = Memcached::start();
    let member = start(memcached.addr());
    let lease = member.gives("ann", "o");

    memcached.is_killed();
    let force = json!({"token": lease["token"], "reason": "a test"});
    for (action, body) in [("pause", &pause()), ("resume", &json!({})), ("force-release", &force)] {
        let (status, answer) = member.pull(action, body);
        assert_eq!((status, &answer["kind"]), (503, &json!("backend_down")), "{action}: {answer}");
    }
    memcached.comes();

    eventually("slots are given again", || member.ask("get", "bob") == (200, "YES".into()));
    assert_eq!(paused(&member), Value::Null);
}

#[test]
fn whether_a_pause_whose_answer_was_lost_was_written_is_seen_afterwards() {
    for fate in [Fate::NoAnswer, Fate::AnswerIsCut, Fate::HalfAnswer] {
        let memcached = Memcached::start();
        let proxy = Proxy::to(memcached.addr(), &mut Chance::new());
        let member = Member::start(proxy.addr(), &format!("memcache: {{timeout: 0.3}}\n{OLGA}{LASTING}"));
        assert_eq!(member.ask("get", "ann"), (200, "YES".into()));
        assert_eq!(member.ask("release", "ann"), (200, "OK".into()));

        proxy.becomes(Mood::Always(fate));
        let (status, answer) = member.pull("pause", &pause());
        assert_eq!((status, &answer["kind"]), (503, &json!("backend_down")), "{fate:?}: {answer}");
        proxy.becomes(Mood::Whole);

        eventually("memcached can be heard", || member.ask("get", "bob") == (200, "NO".into()));
        assert_eq!(paused(&member)["author"], "olga", "{fate:?}");
        assert_eq!(member.pull("resume", &json!({})).0, 200);
        assert_eq!(member.ask("get", "bob"), (200, "YES".into()), "{fate:?}");
    }
}
