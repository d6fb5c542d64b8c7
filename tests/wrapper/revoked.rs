//! A real server, a wrapper that holds its slot, and an operator who wants the slot back.

use std::{fs, process::Stdio};

use serde_json::json;

use super::run::{Run, folder, wrapper_as};
use crate::member::{Member, OLGA};

/// The holder at one server is asked to stop through another, at which somebody waits.
pub(crate) fn is_stopped_before_the_next_gets_the_slot(holds: &Member, waits: &Member) {
    let (dead, status) = (folder().join("dead"), folder().join("status"));
    let script =
        format!("trap 'touch {}; exit 143' TERM; echo up; while :; do sleep 0.01; done", dead.display());
    let mut command = wrapper_as(holds.server().addr, "web1");
    command.args(["--ttl", "6", "--kill-after", "2", "--status-file"]).arg(&status).arg(script);
    let mut run = Run::start(command.stdin(Stdio::null()));
    assert_eq!(run.line(), "up");
    let mut next = waits.server().waiting("web2", "p");
    let token = waits.look("/v1/pools/p").1["holders"][0]["token"].clone();

    let (code, revoked) = waits.pull("revoke", &json!({"token": token, "within": 60, "reason": "hotfix"}));

    assert_eq!((code, &revoked["notified"]), (200, &json!(true)), "{revoked}");
    assert!(next.is_parked(waits.server()));
    assert_eq!(next.answer(), (200, "YES".into()));
    assert!(dead.exists(), "the slot was granted before the command was dead");
    let (code, said) = run.end();
    assert!(code == 79 && said.contains("revoked by olga: \"hotfix\""), "{code} {said}");
    assert!(fs::read_to_string(status).unwrap().contains("revoked by olga"));
    let (_, history) = holds.look("/v1/pools/p/history");
    let ended = &history["runs"][0];
    assert_eq!((&ended["how"], &ended["author"]), (&json!("released"), &json!("olga")), "{history}");
}

#[test]
fn a_command_that_is_revoked_is_dead_before_the_next_has_its_slot() {
    let member = Member::alone(&format!("{OLGA}pools: [{{name: p, expire: 300}}]"));

    is_stopped_before_the_next_gets_the_slot(&member, &member);
}
