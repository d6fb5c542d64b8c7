//! `state_dir`, and keys that require a restart.
use std::path::Path;

use distributex_config::Config;

use crate::{error_text, parse_valid};

fn config(lines: &str) -> Config {
    parse_valid(&format!("{lines}\npools: [{{name: a}}]"))
}

#[test]
fn the_state_directory_is_used_as_written() {
    for (written, path) in [
        ("/var/lib/distributex", "/var/lib/distributex"),
        ("'state of things'", "state of things"),
        ("12", "12"),
    ] {
        assert_eq!(config(&format!("state_dir: {written}")).state_dir.as_deref(), Some(Path::new(path)));
    }
    assert_eq!(config("state_dir:").state_dir, None);
    assert_eq!(config("").state_dir, None);
}

#[test]
fn an_invalid_state_directory_is_reported() {
    for (written, shown) in [("''", "\"\""), ("[a]", "a list"), ("true", "true"), ("' '", "\" \"")] {
        let error_text = error_text(&format!("state_dir: {written}\npools: [{{name: a}}]"));
        assert_eq!(
            error_text,
            format!("f:1: state_dir is {shown}; must be a directory, as in /var/lib/distributex")
        );
    }
}

#[test]
fn a_state_directory_with_memcache_is_an_error() {
    let error_text = error_text("backend: memcache\nstate_dir: /x\npools: [{name: a}]");

    assert_eq!(
        error_text,
        "f:2: state_dir is given beside backend: memcache; leave it out: leases are in memcached, and a restarted \
         server finds them there"
    );
}

#[test]
fn changed_keys_that_need_a_restart_are_named() {
    let old = config("state_dir: /x\nlisten: localhost");

    assert_eq!(old.need_restart(&config("max_wait: 7\nstate_dir: /x\nlisten: localhost")), [""; 0]);
    assert_eq!(old.need_restart(&config("listen: localhost")), ["state_dir"]);
    assert_eq!(
        old.need_restart(&config("backend: memcache\nmemcache: {poll: 1}")),
        ["backend", "listen", "state_dir"]
    );
    let old = config("backend: memcache\nmemcache: {poll: 1}");
    let new = config("backend: memcache\nmemcachehost: x\nmemcache: {prefix: y, poll: 1.0}");
    assert_eq!(old.need_restart(&new), ["memcachehost, memcacheport or memcache.servers", "memcache.prefix"]);
    let new = config("admin_socket: /x\nhistory_runs: 1\nevent_buffer: 1\nmetrics: false");
    assert_eq!(config("").need_restart(&new), ["admin_socket", "history_runs", "event_buffer", "metrics"]);
    let hash = "7".repeat(64);
    let keys = config(&format!("admin_keys: [{{name: ann, sha256: '{hash}'}}]"));
    assert_eq!(config("").need_restart(&keys), [""; 0], "a reload is enough");
}
