//! Files that ask for more than anybody needs: they end soon, with a sentence.
use crate::told;

#[test]
fn deep_nesting_is_refused() {
    let nested = |level: &str, times| told(&level.repeat(times));

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
fn an_alias_of_what_it_stands_in_is_refused() {
    assert!(told("pools: &a [*a]").starts_with("f:1: not valid YAML: recursion limit exceeded;"));
}

#[test]
fn a_few_lines_of_aliases_cannot_fill_the_memory() {
    let mut laughs = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs += &format!("x-{level}: &a{level} [{aliases}]\n");
    }
    let copies = format!("x-a: &a [{}]\nx-b:\n{}", "x, ".repeat(10_000), "- *a\n".repeat(10_000));

    for text in [laughs, copies] {
        assert!(told(&text).ends_with("; use fewer aliases"), "{}", told(&text));
    }
}

#[test]
fn of_very_many_mistakes_the_first_100_are_told() {
    let text = format!("pools:\n{}backend: redis\n", "  - 1\n".repeat(150));

    let told = told(&text);

    assert_eq!(told.lines().count(), 101);
    assert!(told.lines().nth(99).unwrap().starts_with("f:101: pool number 100 is 1;"));
    assert!(told.ends_with("\nf: and 51 more; correct these first"));
}

#[test]
fn a_long_text_is_told_in_a_short_line() {
    let told = told(&format!("pools:\n  - name: {}\n", "n".repeat(10_000)));

    assert_eq!(
        told,
        format!(
            "f:2: pool number 1: name is \"{}\"…; a name must be at most 255 bytes, this one has 10000",
            "n".repeat(60)
        )
    );
}
