//! Valid `admin_keys` and `admin_socket`.
use std::path::Path;

use distributex_config::{Admin, AdminKey, MAX_SOCKET_BYTES, Name};

use crate::parse_valid;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn admin(lines: &str) -> Admin {
    parse_valid(&format!("{lines}\npools: [{{name: a}}]")).admin
}

fn key(name: &str, hash: [u8; 32]) -> AdminKey {
    AdminKey { name: Name::new(name).expect("a good name"), hash }
}

#[test]
fn there_are_no_keys_and_no_socket_by_default() {
    assert_eq!(admin(""), Admin { keys: Vec::new(), socket: None });
}

#[test]
fn a_hash_is_read_as_sha256sum_prints_it() {
    let [ann] = &admin(&format!("admin_keys: [{{name: ann, sha256: {HASH}}}]")).keys[..] else { panic!() };

    let printed: String = ann.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((ann.name.as_str(), &*printed), ("ann", HASH));
}

#[test]
fn the_case_of_a_hash_does_not_matter() {
    let (ones, aas) = ("1".repeat(64), "aA".repeat(32));
    let lines = format!("admin_keys:\n  - name: ann\n    sha256: '{ones}'\n  - {{sha256: {aas}, name: 7}}\n");

    assert_eq!(admin(&lines).keys, [key("ann", [0x11; 32]), key("7", [0xaa; 32])]);
}

#[test]
fn names_are_case_sensitive() {
    let lines =
        format!("admin_keys: [{{name: ann, sha256: {HASH}}}, {{name: Ann, sha256: {}}}]", "ab".repeat(32));

    assert_eq!(admin(&lines).keys.len(), 2);
}

#[test]
fn the_debug_form_of_a_key_does_not_show_its_hash() {
    let shown = format!("{:?}", admin(&format!("admin_keys: [{{name: ann, sha256: {HASH}}}]")));

    assert_eq!(shown, "Admin { keys: [AdminKey { name: \"ann\", .. }], socket: None }");
}

#[test]
fn the_socket_path_is_used_as_written() {
    let longest = format!("/{}", "s".repeat(MAX_SOCKET_BYTES - 1));
    for path in ["/run/distributexd/admin.sock", "admin.sock", "12", &longest] {
        assert_eq!(admin(&format!("admin_socket: {path}")).socket.as_deref(), Some(Path::new(path)));
    }
}
