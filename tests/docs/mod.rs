//! The documents: every block of commands runs as written, and every table agrees with the programs.

mod api_tables;
mod blocks;
mod client_blocks;
mod links;
mod machine;
mod server_blocks;
mod tables;

use self::{blocks::all_blocks, machine::Machine};

/// Document of a block, its beginning, and the function that runs it.
type Runner = (&'static str, &'static str, fn(&Machine, &str));

/// Every block of the documents, in their order. A new block needs a line here.
const RUNNERS: &[Runner] = &[
    ("README.md", "$(command -v sudo) sh -c 'apt-get", server_blocks::first_command),
    ("README.md", "$ curl \"http://localhost:9889/get/?", server_blocks::curl_session),
    ("README.md", "tests/run", client_blocks::test_commands),
    ("README.md", "*/5 * * * * ", client_blocks::crontab_line),
    ("docs/backends.md", "backend: inmemory", server_blocks::configuration),
    ("docs/backends.md", "memcached ", server_blocks::two_servers_and_a_memcached),
    ("docs/backends.md", "$ curl \"http://localhost:9889/get?", |_, _| {}), // runs with the one before
    ("docs/backends.md", "$ target/release/distributex -H", |_, _| {}),     // and so does this
    ("docs/guarantees.md", "#!/bin/bash\n# usage: fenced-write", client_blocks::fenced_write),
    ("docs/http-api.md", "$ U=http://localhost:9889/v1/pools", server_blocks::curl_session),
    ("docs/http-api.md", "#!/bin/bash\n# usage: with-lock", client_blocks::shell_client),
    ("docs/http-api.md", "import json", client_blocks::python_client),
    ("docs/http-api.md", "{\"name\", \"slots\"", server_blocks::fields_of_a_pool),
    ("docs/install.md", "install target/release/distributexd", server_blocks::systemd_installation),
    ("docs/install.md", "install target/release/distributex /usr/bin/", client_blocks::installation),
    ("docs/install.md", "*/5 * * * * ", client_blocks::crontab_line),
    ("docs/monitoring.md", "rule_files:", server_blocks::prometheus_configuration),
    ("docs/monitoring.md", "$ curl -N ", server_blocks::event_stream),
    ("docs/monitoring.md", "2026-", server_blocks::log_lines),
    ("docs/operations.md", "$ distributexctl status", client_blocks::status_table),
    ("docs/operations.md", "lease=$(distributexctl acquire", client_blocks::script_with_a_lease),
    ("docs/operations.md", "[Service]", client_blocks::service_with_a_lease),
    ("docs/operations.md", "curl --unix-socket", server_blocks::admin_actions),
    ("docs/wrapper.md", "distributex -n -H", client_blocks::wrapper_examples),
    ("docs/wrapper.md", "[Service]", client_blocks::wrapped_service),
    ("CONTRIBUTING.md", "tests/run", client_blocks::test_commands),
];

#[test]
fn every_block_of_commands_runs_as_written() {
    let machine = Machine::fresh();
    let blocks = all_blocks();
    let names = |index: usize| blocks.get(index).map(|block| (block.document.as_str(), block.text.as_str()));
    for (index, (document, beginning, run)) in RUNNERS.iter().enumerate() {
        let (found, text) = names(index).unwrap_or_default();
        assert!(
            found == *document && text.starts_with(beginning),
            "{document} should have a block {beginning:?} here, not {found}:\n{text}"
        );
        run(&machine, text);
    }
    assert_eq!(names(RUNNERS.len()), None, "nothing runs this block");
}
