//! Files that are no YAML, or YAML that nobody means.
use super::{MILLION, check};
use crate::told;

#[test]
fn what_is_not_yaml_is_told_with_its_line_and_what_helps() {
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
        let told = told(text);
        assert!(told.starts_with(&format!("f:{line}: not valid YAML: ")), "{told}");
        assert!(told.ends_with(&format!("; {way_out}")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn what_yaml_takes_but_nobody_means_is_told_too() {
    check(&[
        ("pools:\n  - name: a\n\0", &["f:3: control character U+0000; remove it"]),
        (
            "pools: [{name: a}]\n---\npools: []\n",
            &["f:3: a second document begins; keep one document: remove the line --- in front of it"],
        ),
    ]);
}

#[test]
fn a_byte_order_mark_and_foreign_line_ends_do_no_harm() {
    check(&[(
        "\u{feff}pools:\r\n  - name: a\r\n    maxlocks: -1\r\n",
        &[&format!("f:3: pool \"a\": maxlocks is -1; {MILLION}")],
    )]);
}
