//! Errors of `admin_keys` and `admin_socket`. Text that may be a key is never repeated.
use super::check;
use crate::error_text;

const DIGITS: &str = "must be the 64 digits that printf %s \"$key\" | sha256sum prints";

/// The errors of these lines.
fn lines(lines: &str) -> String {
    error_text(&format!("{lines}\npools: [{{name: a}}]"))
}

/// The errors of the hash of ann's key.
fn hash(written: &str) -> String {
    let error_text = lines(&format!("admin_keys: [{{name: ann, sha256: {written}}}]"));
    error_text.strip_prefix("f:1: admin key \"ann\": sha256 ").unwrap_or(&error_text).to_owned()
}

#[test]
fn a_hash_must_have_64_hexadecimal_digits() {
    let long = format!("{}  -", "a".repeat(64));
    for (written, characters) in [("''", 0), ("s3cret", 6), (&*"a".repeat(63), 63), (&long, 67), ("größe", 5)]
    {
        assert_eq!(hash(written), format!("has {characters} characters; {DIGITS}"));
    }
    for other in ["g", "+", "ü", " "] {
        let written = format!("\"{}{other}{}\"", "a".repeat(40), "b".repeat(23));
        assert_eq!(hash(&written), format!("has characters other than 0-9 and a-f; {DIGITS}"));
    }
    for written in ["7", &"7".repeat(64), "true", "[a]", "{a: b}"] {
        assert_eq!(hash(written), format!("is not text; {DIGITS}, in quotes"));
    }
}

#[test]
fn the_hash_of_an_unset_variable_is_rejected() {
    for written in [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
    ] {
        assert_eq!(hash(written), "is the hash of an empty text; set $key before it is hashed");
    }
}

#[test]
fn admin_keys_must_be_maps_with_a_name_and_a_hash() {
    let empty =
        "f:1: admin_keys is an empty list; leave the key out: then no admin action is possible over TCP";
    let list = "f:1: admin_keys is not a list; must be a list in which each key begins with - name: NAME";
    let map = "is not a map; write it as - name: NAME with sha256: HASH below";
    assert_eq!(lines("admin_keys: []"), empty);
    for written in ["s3cret", "{name: ann, sha256: s3cret}", "7", "false"] {
        assert_eq!(lines(&format!("admin_keys: {written}")), list);
    }
    assert_eq!(
        lines("admin_keys:\n  - s3cret\n  - [s3cret]\n  - {}\n  - name: ''\n    sha256:\n"),
        [
            &format!("f:2: admin key number 1 {map}"),
            &format!("f:3: admin key number 2 {map}"),
            "f:4: admin key number 3: name is missing; give the key one, as in - name: ann",
            "f:4: admin key number 3: sha256 is missing; give the hash of the key, not the key",
            "f:5: admin key number 4: sha256 is missing; give the hash of the key, not the key",
            "f:5: admin key number 4: name is \"\"; a name must not be empty",
        ]
        .join("\n")
    );
}

#[test]
fn an_unknown_key_of_an_entry_is_reported() {
    let error_text =
        lines("admin_keys:\n  - name: ann\n    sha265: s3cret\n  - nmae: bob\n    key: s3cret\n");

    let keys = "the keys here are name and sha256";
    for line in [
        "f:3: admin key \"ann\": unknown key \"sha265\"; did you mean sha256?",
        "f:4: admin key number 2: unknown key \"nmae\"; did you mean name?",
        &format!("f:5: admin key number 2: unknown key \"key\"; {keys}"),
    ] {
        assert!(error_text.lines().any(|error_text| error_text == line), "{error_text}");
    }
    assert!(!error_text.contains("s3cret"), "{error_text}");
}

#[test]
fn names_and_hashes_must_be_unique() {
    let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(64));
    let text = format!(
        "admin_keys:\n  - {{name: ann, sha256: {a}}}\n  - {{name: ann, sha256: {b}}}\n  - {{name: ann, sha256: {c}}}\n  \
         - {{name: bob, sha256: {}}}\npools: [{{name: a}}]",
        a.to_uppercase()
    );
    let named = "another admin key is named \"ann\", first in line 2; give each key a name of its own";
    let same = "another one has the same sha256, first in line 2; \
                make a key of its own for each name";
    check(&[(
        &text,
        &[&format!("f:3: {named}"), &format!("f:4: {named}"), &format!("f:5: admin key \"bob\": {same}")],
    )]);
}

#[test]
fn the_socket_path_must_be_valid_for_the_system() {
    let path = "must be the path of a file, as in /run/distributexd/admin.sock";
    for (written, shown) in
        [("''", "\"\""), ("' '", "\" \""), ("/run/", "\"/run/\""), ("[a]", "a list"), ("true", "true")]
    {
        assert_eq!(
            lines(&format!("admin_socket: {written}")),
            format!("f:1: admin_socket is {shown}; {path}")
        );
    }
    for long in ["s".repeat(108), "ü".repeat(54)] {
        assert_eq!(
            lines(&format!("admin_socket: {long}")),
            "f:1: admin_socket has 108 bytes; must be at most 107, the limit of the system"
        );
    }
}
