//! The blocks about the wrapper and the operator's tool.

use std::fs;

use serde_json::json;

use super::{
    blocks::{block, steps},
    machine::Machine,
};
use crate::support::Server;

/// Installs the programs as the README says.
pub(super) fn install(machine: &Machine) {
    machine.run(&format!("cargo build --release && {}", block("install ").lines().next().unwrap()));
}

/// The crontab's line.
pub(super) fn cron_runs_the_wrapper(machine: &Machine, block: &str) {
    install(machine);
    let server = Server::start(&fs::read_to_string(machine.path("clone/config/distributex.yaml")).unwrap());
    let command = block.splitn(6, ' ').nth(5).unwrap().replace("locks.acme.com", &server.addr.to_string());

    assert!(!command.contains('%'), "cron takes it for a line break");
    assert!(command.contains(" -l ") && command.contains(" -w "), "runs would pile up");
    assert_eq!(machine.run(&command), "agent --onetime --no-daemonize\n");
}

/// The tests themselves.
pub(super) fn the_tests_can_be_run(machine: &Machine, block: &str) {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/", "tests/run");
    assert_eq!(block, "tests/run\n");
    machine.run(&format!("test -x {tests} && bash -n {tests}"));
}

/// What status and why print. Numbers and times differ, words do not.
pub(super) fn the_tool_shows_what_is_shown(machine: &Machine, block: &str) {
    let server = Server::start("pools: [{name: deploy}, {name: backup, maxlocks: 3, expire: 0}]");
    let holders = [("deploy", "web7"), ("backup", "db1")].map(|(pool, host)| {
        let mut holder = server.connect();
        let body = json!({"host": host, "ttl": 30, "command": "rollout 17"});
        holder.post(&format!("/v1/pools/{pool}/acquire"), &body.to_string());
        assert_eq!(holder.answer().0, 201);
        holder
    });
    let waiters = ["web9", "web8"].map(|host| server.waiting(host, "deploy"));

    for step in steps(block) {
        let printed = machine.run(&format!("DISTRIBUTEX_SERVER={} {}", server.addr, step.command));
        let start = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        let lines = |lines: &[&str]| lines.iter().map(|line| start(line)).collect::<Vec<_>>();
        assert_eq!(lines(&printed.lines().collect::<Vec<_>>()), lines(&step.output), "{printed}");
    }
    drop((holders, waiters));
}

/// A script with a lease.
pub(super) fn a_script_holds_a_slot(machine: &Machine, block: &str) {
    let server = Server::start("pools: [{name: deploy}]");

    machine.run(&format!("export DISTRIBUTEX_SERVER={}\n{block}", server.addr));

    let history = server.get("/v1/pools/deploy/history").1;
    assert!(history.contains(r#""how":"released""#), "{history}");
}

/// A service with a lease.
pub(super) fn a_service_holds_a_slot(machine: &Machine, block: &str) {
    install(machine);
    let server = Server::start("pools: [{name: report, expire: 0}]");
    let commands = block.replace("-H locks", &format!("-H {}", server.addr));
    let held = || server.get("/v1/pools/report").1.contains(r#""held":1"#);
    let run = |key: &str| {
        let line = commands.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        machine.run(line.unwrap());
    };

    run("ExecStartPre");
    assert!(held());
    run("ExecStart");
    assert!(held());
    run("ExecStopPost");
    assert!(!held());
}
