//! A server that is killed or stopped, and comes back.

use std::process::Stdio;

use serde_json::{Value, json};

use super::keeping;
use crate::{
    fight::hosts::At as _,
    member::{Member, json_of},
    support::{Client, ONE_SLOT, post},
    wrapper::run::{Run, eventually, wrapper_as},
};

/// One slot of pool `p`.
const P: &str = "pools: [{name: p, expire: 300}]";

/// An owner that waits for pool `p`, and is parked when this returns.
pub(super) fn parked(member: &Member, host: &str) -> Client {
    let line = || member.look("/v1/pools/p").1["queue"]["length"].as_u64().unwrap();
    let present = || {
        let (_, state) = member.look("/v1/pools/p");
        let first = state["queue"]["waiters"].as_array().unwrap().clone();
        first.iter().any(|waiting| waiting["host"] == host && waiting["present"] == true)
    };
    let (mut client, before) = (member.server().connect(), line());
    client.send_raw(&post("/v1/pools/p/acquire", &wait_of(host).to_string()));
    eventually("it is parked", || present() && line() >= before);
    client
}

fn wait_of(host: &str) -> Value {
    json!({"host": host, "owner": format!("{host}'s"), "wait": 60, "patience": 30})
}

/// Who stands in line for pool `p`.
pub(super) fn line(member: &Member) -> Vec<String> {
    let (_, state) = member.look("/v1/pools/p");
    let first = state["queue"]["waiters"].as_array().unwrap().clone();
    first.iter().map(|waiting| waiting["host"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_killed_server_forgets_no_lease_of_either_protocol() {
    let mut member = keeping("pools: [{name: p, maxlocks: 2, expire: 300}]");
    assert_eq!(member.ask("get", "ann"), (200, "YES".to_owned()));
    let lease = member.gives("bob", "run1");
    let (_, before) = member.look("/v1/pools/p");

    member.is_restarted();

    assert_eq!(member.ask("get", "cid"), (200, "NO".to_owned()));
    assert_eq!(member.ask("get", "ann"), (200, "YES".to_owned()));
    let (_, after) = member.look("/v1/pools/p");
    assert_eq!(after["store"], before["store"]);
    for key in ["host", "token", "command"] {
        assert_eq!(after["holders"][1][key], before["holders"][1][key]);
    }
    let left = |state: &Value| state["holders"][0]["expires_in"].as_f64().unwrap();
    assert!(left(&after) <= left(&before) && left(&after) > 200.0, "{after}");
    assert_eq!(member.renew(&lease).0, 200);
    assert_eq!(member.release(&lease).0, 204);
    member.is_restarted();
    assert_eq!(member.renew(&lease).0, 410);
    assert!(member.gives("cid", "run1")["token"].as_u64() > lease["token"].as_u64());
}

#[test]
fn an_owner_whose_answer_was_lost_with_the_server_asks_again_and_gets_the_same_lease() {
    let mut member = keeping(P);
    let lease = member.gives("ann", "run1");

    member.is_restarted();
    let (status, again) = member.call("acquire", &json!({"host": "ann", "owner": "run1"}));

    assert_eq!((status, &again["lease"], &again["token"]), (200, &lease["lease"], &lease["token"]));
}

#[test]
fn waiters_find_their_places_when_the_server_was_killed() {
    let mut member = keeping(P);
    let ann = member.gives("ann", "run1");
    let (bob, cid) = (parked(&member, "bob"), parked(&member, "cid"));

    member.is_restarted();
    drop((bob, cid));
    assert_eq!(line(&member), ["bob", "cid"]);
    let mut cid = parked(&member, "cid"); // comes back first, and does not overtake
    let mut dan = parked(&member, "dan");
    assert_eq!(member.release(&ann).0, 204);
    let mut bob = member.server().connect();
    bob.post("/v1/pools/p/acquire", &wait_of("bob").to_string());

    let (status, lease) = json_of(bob.answer());
    assert_eq!(status, 201, "{lease}");
    assert!(cid.is_parked(member.server()));
    assert_eq!(member.release(&lease).0, 204);
    let (status, lease) = json_of(cid.answer());
    assert_eq!(status, 201, "{lease}");
    assert_eq!(member.release(&lease).0, 204);
    assert_eq!(dan.answer().0, 201);
}

#[test]
fn who_waits_when_the_server_stops_is_told_to_come_back_and_keeps_its_place() {
    let mut member = keeping(P);
    let ann = member.gives("ann", "run1");
    let (mut bob, mut cid) = (parked(&member, "bob"), parked(&member, "cid"));

    member.is_stopped();
    for waiter in [&mut bob, &mut cid] {
        let (head, body) = waiter.whole_answer();
        assert!(head.starts_with("HTTP/1.1 503") && head.to_lowercase().contains("retry-after: 1"), "{head}");
        assert!(body.contains("\"draining\""), "{body}");
    }
    member.comes();

    assert_eq!(line(&member), ["bob", "cid"]);
    let mut cid = parked(&member, "cid");
    let mut bob = parked(&member, "bob");
    assert_eq!(member.release(&ann).0, 204);
    assert_eq!(bob.answer().0, 201);
    assert!(cid.is_parked(member.server()));
    let (status, _) = member.call("release", &json!({"host": "bob", "owner": "bob's"}));
    assert_eq!(status, 204);
    assert_eq!(cid.answer().0, 201);
}

#[test]
fn a_slot_that_is_freed_while_nobody_serves_waits_for_the_head_of_the_line() {
    let mut member = keeping("pools: [{name: p, expire: 2}]");
    assert_eq!(member.ask("get", "ann"), (200, "YES".to_owned()));
    let (bob, cid) = (parked(&member, "bob"), parked(&member, "cid"));
    member.is_killed();
    drop((bob, cid));
    super::pass(std::time::Duration::from_millis(2200)); // ann's lease is over

    member.comes();
    let mut cid = parked(&member, "cid");
    assert_eq!(member.ask("get", "dan"), (200, "NO".to_owned()));
    assert!(cid.is_parked(member.server()));
    let (status, bob) = member.call("acquire", &wait_of("bob"));

    assert_eq!(status, 201, "{bob}");
    assert_eq!(member.release(&bob).0, 204);
    assert_eq!(cid.answer().0, 201);
}

#[test]
fn wrappers_that_wait_come_back_by_themselves_and_keep_their_places() {
    for kill in [true, false] {
        let mut member = keeping(P);
        let ann = member.gives("ann", "run1");
        let run = |host| {
            let mut command = wrapper_as(member.addr(), host);
            Run::start(command.args(["-v", "echo $DX_HOST; read line"]).stdin(Stdio::piped()))
        };
        let mut bob = run("bob");
        eventually("bob waits", || line(&member) == ["bob"]);
        let mut cid = run("cid");
        eventually("cid waits", || line(&member) == ["bob", "cid"]);

        if kill {
            member.is_killed();
        } else {
            member.is_stopped();
        }
        bob.says("retrying");
        member.comes();
        assert_eq!(line(&member), ["bob", "cid"]);
        assert_eq!(member.release(&ann).0, 204);

        assert_eq!(bob.line(), "bob");
        assert_eq!(line(&member), ["cid"]);
        drop(bob.child.stdin.take());
        assert_eq!(bob.end().0, 1); // `read` has met the end
        assert_eq!(cid.line(), "cid");
        drop(cid.child.stdin.take());
        assert_eq!(cid.end().0, 1);
    }
}

#[test]
fn a_wrapper_whose_command_runs_does_not_notice() {
    let mut member = keeping(P);
    let mut command = wrapper_as(member.addr(), "ann");
    let mut run =
        Run::start(command.args(["-t", "3", "echo started; read line; exit 7"]).stdin(Stdio::piped()));
    assert_eq!(run.line(), "started");

    for _ in 0..3 {
        member.is_restarted();
        super::pass(std::time::Duration::from_millis(1100)); // a renewal is due every second
        assert_eq!(member.ask("get", "bob"), (200, "NO".to_owned()));
    }
    drop(run.child.stdin.take());

    assert_eq!(run.end(), (7, String::new()));
    assert_eq!(member.ask("get", "bob"), (200, "YES".to_owned()));
}

#[test]
fn a_pool_that_is_not_configured_any_more_keeps_its_leases_over_a_restart_and_comes_back_with_its_tokens() {
    let mut member = keeping("pools: [{name: p, expire: 300}, {name: q}]");
    let lease = member.gives("ann", "run1");
    let directory = member.yaml().split('\n').next().unwrap().to_owned();

    member.is_configured(&format!("{directory}\npools: [{{name: q}}]"));
    member.is_restarted();
    assert_eq!(member.ask("get", "bob"), (200, "INVALID".to_owned()));
    let (status, answer) = member.call("acquire", &json!({"host": "bob"}));
    assert_eq!((status, &answer["kind"]), (404, &json!("no_such_pool")));
    assert_eq!(member.look("/v1/pools/p").1["holders"][0]["host"], "ann");
    assert_eq!(member.renew(&lease).0, 200);
    member.is_restarted();
    assert_eq!(member.release(&lease).0, 204);
    assert_eq!(member.look("/v1/pools/p").0, 404);

    member.is_configured(&format!("{directory}\n{P}"));
    member.is_restarted();
    assert!(member.gives("bob", "run1")["token"].as_u64() > lease["token"].as_u64());
}

#[test]
fn without_a_directory_the_server_says_once_what_that_means() {
    let member = Member::alone(ONE_SLOT);
    member.says("WARN  no_state_directory ");
    assert_eq!(member.log().matches("no_state_directory").count(), 1);

    let keeping = keeping(P);
    keeping.says(" leases=0 waiters=0");
    assert!(!keeping.log().contains("no_state_directory"));
}
