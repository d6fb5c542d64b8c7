//! Files that are too large, too deep or have too many errors.
use crate::error_text;

#[test]
fn deep_nesting_is_rejected() {
    let nested = |level: &str, times| error_text(&level.repeat(times));

    assert_eq!(
        nested("[", 200),
        "f:1: not valid YAML: recursion limit exceeded; nest the values less deeply"
    );
    assert_eq!(nested("- ", 20_000), nested("[", 200));
    for level in ["[", "{a: "] {
        assert_eq!(
            nested(level, 1_000_000),
            "f:1: more than 1000 brackets are open; nest the values less deeply"
        );
    }
}

#[test]
fn an_alias_inside_its_own_anchor_is_rejected() {
    assert!(error_text("pools: &a [*a]").starts_with("f:1: not valid YAML: recursion limit exceeded;"));
}

#[test]
fn nested_aliases_cannot_exhaust_memory() {
    let mut laughs = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs += &format!("x-{level}: &a{level} [{aliases}]\n");
    }
    let copies = format!("x-a: &a [{}]\nx-b:\n{}", "x, ".repeat(10_000), "- *a\n".repeat(10_000));

    for text in [laughs, copies] {
        assert!(error_text(&text).ends_with("; use fewer aliases"), "{}", error_text(&text));
    }
}

#[test]
fn only_the_first_100_errors_are_reported() {
    let text = format!("pools:\n{}backend: redis\n", "  - 1\n".repeat(150));

    let error_text = error_text(&text);

    assert_eq!(error_text.lines().count(), 101);
    assert!(error_text.lines().nth(99).unwrap().starts_with("f:101: pool number 100 is 1;"));
    assert!(error_text.ends_with("\nf: and 51 more; correct these first"));
}

#[test]
fn a_long_value_is_truncated_in_the_error() {
    let error_text = error_text(&format!("pools:\n  - name: {}\n", "n".repeat(10_000)));

    assert_eq!(
        error_text,
        format!(
            "f:2: pool number 1: name is \"{}\"…; a name must be at most 255 bytes, this one has 10000",
            "n".repeat(60)
        )
    );
}
