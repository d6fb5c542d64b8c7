//! Integration tests of the configuration file, and of the files shipped for Prometheus and Grafana.
mod admin;
mod alerts;
mod dashboard;
mod errors;
mod extremes;
mod files;
mod memcache;
mod merge_keys;
mod samples;
mod state_dir;
mod telemetry;
mod values;

use distributex_config::{Config, Pool, parse};

/// The configuration of a valid text.
fn parse_valid(text: &str) -> Config {
    parse(text, "f").unwrap_or_else(|errors| panic!("{errors}"))
}

/// The only pool of a valid text.
fn only_pool(text: &str) -> Pool {
    let mut pools = parse_valid(text).pools;
    assert_eq!(pools.len(), 1);
    pools.remove(0)
}

/// The errors of an invalid text.
fn error_text(text: &str) -> String {
    parse(text, "f").expect_err(text).to_string()
}
