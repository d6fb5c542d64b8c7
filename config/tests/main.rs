//! The configuration file as its users see it: what they write, what they get, what they are told.
mod admin;
mod limits;
mod memcache;
mod merges;
mod mistakes;
mod reading;
mod sample;
mod state;
mod values;
mod watch;

use distributex_config::{Config, Pool, parse};

/// What the text says, which has no mistakes.
fn good(text: &str) -> Config {
    parse(text, "f").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// What the text says about its only pool.
fn only_pool(text: &str) -> Pool {
    let mut pools = good(text).pools;
    assert_eq!(pools.len(), 1);
    pools.remove(0)
}

/// What is said about the text, which has mistakes.
fn told(text: &str) -> String {
    parse(text, "f").expect_err(text).to_string()
}
