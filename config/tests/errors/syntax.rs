//! Files that are not valid YAML, or are likely mistakes.
use super::{MILLION, check};
use crate::error_text;

#[test]
fn invalid_yaml_is_reported_with_its_line_and_a_hint() {
    let look =
        "look for a missing colon, quote or bracket here or in the line before, and at the indentation";
    let quote = "put a text that begins with a special character in quotes";
    let tabs = "indent with spaces instead of tabs";
    for (text, line, way_out) in [
        ("pools:\n\t- name: a\n", 2, tabs),
        ("pools:\n  - name: a\n\texpire: 3\n", 3, tabs),
        ("pools:\n  - name: a\n    expire 3\n    x: 3\n", 4, look),
        ("pools:\n  - name: \"a\n", 2, look),
        ("pools:\n  - {name: a\n", 2, look),
        ("pools:\nb", 2, look),
        ("x: [\n", 1, look),
        ("pools:\n  - name: *a\n", 2, "define it with & before it is used, or put the text in quotes"),
        ("listen: *\npools:\n  - name: a\n", 1, quote),
        ("\nlisten: *:9889\n", 2, quote),
        ("pools:\n  - name: @a\n", 2, quote),
    ] {
        let error_text = error_text(text);
        assert!(error_text.starts_with(&format!("f:{line}: not valid YAML: ")), "{error_text}");
        assert!(error_text.ends_with(&format!("; {way_out}")), "{error_text}");
        assert_eq!(error_text.lines().count(), 1, "{error_text}");
    }
}

#[test]
fn valid_yaml_that_is_a_likely_mistake_is_rejected() {
    check(&[
        ("pools:\n  - name: a\n\0", &["f:3: control character U+0000; remove it"]),
        (
            "pools: [{name: a}]\n---\npools: []\n",
            &["f:3: a second document begins; keep one document: remove the line --- in front of it"],
        ),
    ]);
}

#[test]
fn byte_order_mark_and_crlf_are_accepted() {
    check(&[(
        "\u{feff}pools:\r\n  - name: a\r\n    maxlocks: -1\r\n",
        &[&format!("f:3: pool \"a\": maxlocks is -1; {MILLION}")],
    )]);
}
