//! What a file says about the directory in which leases are kept, and about what only a restart can change.
use std::path::Path;

use distributex_config::Config;

use crate::{good, told};

fn config(lines: &str) -> Config {
    good(&format!("{lines}\npools: [{{name: a}}]"))
}

#[test]
fn the_directory_is_taken_as_it_is_written() {
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
fn what_is_no_directory_is_told() {
    for (written, said) in [("''", "\"\""), ("[a]", "a list"), ("true", "true"), ("' '", "\" \"")] {
        let told = told(&format!("state_dir: {written}\npools: [{{name: a}}]"));
        assert_eq!(
            told,
            format!("f:1: state_dir is {said}; must be a directory, as in /var/lib/distributex")
        );
    }
}

#[test]
fn beside_memcache_it_makes_no_sense() {
    let told = told("backend: memcache\nstate_dir: /x\npools: [{name: a}]");

    assert_eq!(
        told,
        "f:2: state_dir is given beside backend: memcache; leave it out: leases are in memcached, and a restarted \
         server finds them there"
    );
}

#[test]
fn what_a_restart_needs_is_named_when_it_differs() {
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
