//! What a file says about those who may pull levers.
use std::path::Path;

use distributex_config::{Admin, AdminKey, MAX_SOCKET_BYTES, Name};

use crate::good;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn admin(lines: &str) -> Admin {
    good(&format!("{lines}\npools: [{{name: a}}]")).admin
}

fn key(name: &str, hash: [u8; 32]) -> AdminKey {
    AdminKey { name: Name::new(name).expect("a good name"), hash }
}

#[test]
fn without_a_word_there_are_neither_keys_nor_a_socket() {
    assert_eq!(admin(""), Admin { keys: Vec::new(), socket: None });
}

#[test]
fn a_hash_is_read_as_sha256sum_prints_it() {
    let [ann] = &admin(&format!("admin_keys: [{{name: ann, sha256: {HASH}}}]")).keys[..] else { panic!() };

    let printed: String = ann.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((ann.name.as_str(), &*printed), ("ann", HASH));
}

#[test]
fn each_operator_has_a_key_and_upper_case_is_no_other_hash() {
    let (ones, aas) = ("1".repeat(64), "aA".repeat(32));
    let lines = format!("admin_keys:\n  - name: ann\n    sha256: '{ones}'\n  - {{sha256: {aas}, name: 7}}\n");

    assert_eq!(admin(&lines).keys, [key("ann", [0x11; 32]), key("7", [0xaa; 32])]);
}

#[test]
fn names_that_differ_in_their_case_differ() {
    let lines =
        format!("admin_keys: [{{name: ann, sha256: {HASH}}}, {{name: Ann, sha256: {}}}]", "ab".repeat(32));

    assert_eq!(admin(&lines).keys.len(), 2);
}

#[test]
fn a_key_shown_for_debugging_keeps_its_hash_to_itself() {
    let shown = format!("{:?}", admin(&format!("admin_keys: [{{name: ann, sha256: {HASH}}}]")));

    assert_eq!(shown, "Admin { keys: [AdminKey { name: \"ann\", .. }], socket: None }");
}

#[test]
fn the_path_of_the_socket_is_taken_as_it_is_written() {
    let longest = format!("/{}", "s".repeat(MAX_SOCKET_BYTES - 1));
    for path in ["/run/distributexd/admin.sock", "admin.sock", "12", &longest] {
        assert_eq!(admin(&format!("admin_socket: {path}")).socket.as_deref(), Some(Path::new(path)));
    }
}
