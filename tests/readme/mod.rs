//! Every block of commands in README.md, run as it is written there.

mod blocks;
mod machine;
mod servers;
mod tool;

use self::machine::Machine;

/// What a block begins with, and how it is run.
type Way = (&'static str, fn(&Machine, &str));

/// Every block of README.md, in its order. A new one needs a line here.
const WAYS: &[Way] = &[
    ("$(command -v sudo) sh -c 'apt-get", servers::the_first_command_builds_and_serves),
    ("$ curl \"http://localhost:9889/get/?", servers::a_session_gets_its_answers),
    ("*/5 * * * * ", tool::cron_runs_the_wrapper),
    ("tests/run", tool::the_tests_can_be_run),
    ("$ distributexctl status", tool::the_tool_shows_what_is_shown),
    ("lease=$(distributexctl acquire", tool::a_script_holds_a_slot),
    ("[Service]", tool::a_service_holds_a_slot),
    ("$ curl -N ", servers::events_look_as_shown),
    ("rule_files:", servers::prometheus_reads_it),
    ("curl --unix-socket", servers::admin_actions_are_taken),
    ("$ U=http://localhost:9889/v1/pools", servers::a_session_gets_its_answers),
    ("backend: inmemory", servers::the_configuration_is_right),
    ("install target/release", servers::systemd_finds_what_was_installed),
    ("memcached ", servers::two_servers_share_a_memcached),
    ("$ curl \"http://localhost:9889/get?", |_, _| {}), // runs with the one before
    ("$ target/release/distributex -H", |_, _| {}),     // and so does this
];

#[test]
fn every_command_of_the_readme_runs_as_written() {
    let machine = Machine::fresh();
    let blocks = blocks::blocks();
    assert_eq!(blocks.len(), WAYS.len(), "a block was added to README.md, or removed");

    for (block, (beginning, run)) in blocks.iter().zip(WAYS) {
        assert!(block.starts_with(beginning), "nothing runs this block of README.md:\n{block}");
        run(&machine, block);
    }
}
