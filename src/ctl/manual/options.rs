//! Options and arguments of a command line. clap 2 generates no manual pages, but its parser can be read.

use roff::{Inline, bold, italic, roman};
use structopt::clap::{App, ArgSettings};

/// An option or argument.
#[derive(Debug)]
pub(super) struct ManualEntry {
    /// Its syntax.
    pub(super) written: Vec<Inline>,
    /// Its description.
    pub(super) meaning: String,
}

/// The options in the order of their definition, without hidden ones.
pub(super) fn options(app: &App<'_, '_>) -> Vec<ManualEntry> {
    let mut words = Vec::new();
    for flag in app.p.flags.iter().filter(|flag| !flag.b.settings.is_set(ArgSettings::Hidden)) {
        let word = ManualEntry {
            written: switch(flag.s.short, flag.s.long),
            meaning: text(flag.b.long_help, flag.b.help),
        };
        words.push((flag.s.unified_ord, word));
    }
    for option in app.p.opts.iter().filter(|option| !option.b.settings.is_set(ArgSettings::Hidden)) {
        let mut written = switch(option.s.short, option.s.long);
        written.extend([
            roman(" "),
            italic(value(option.b.name, option.v.val_names.iter().flat_map(|names| names.values()))),
        ]);
        let mut meaning = text(option.b.long_help, option.b.help);
        if let Some(default) = option.v.default_val {
            meaning.push_str(&format!(" [default: {}]", default.to_string_lossy()));
        }
        meaning.push_str(&possible(option.v.possible_vals.as_deref()));
        words.push((option.s.unified_ord, ManualEntry { written, meaning }));
    }
    words.sort_by_key(|(order, _)| *order);
    words.into_iter().map(|(_, word)| word).collect()
}

/// The positional arguments.
pub(super) fn arguments(app: &App<'_, '_>) -> Vec<ManualEntry> {
    let positionals = app.p.positionals.values();
    let shown = positionals.filter(|one| !one.b.settings.is_set(ArgSettings::Hidden));
    let word = shown.map(|one| {
        let written =
            vec![italic(value(one.b.name, one.v.val_names.iter().flat_map(|names| names.values())))];
        let possible = possible(one.v.possible_vals.as_deref());
        ManualEntry { written, meaning: text(one.b.long_help, one.b.help) + &possible }
    });
    word.collect()
}

/// The usage line, generated if the command has none of its own.
pub(super) fn usage(app: &App<'_, '_>) -> String {
    if let Some(usage) = app.p.meta.usage_str {
        return usage.to_owned();
    }
    let mut usage = vec![app.p.meta.name.clone(), "[OPTIONS]".to_owned()];
    for option in app.p.opts.iter().filter(|option| option.b.settings.is_set(ArgSettings::Required)) {
        let name = option.s.long.map(|long| format!("--{long} ")).unwrap_or_default();
        usage.push(name + &value(option.b.name, option.v.val_names.iter().flat_map(|names| names.values())));
    }
    for one in app.p.positionals.values() {
        let name = value(one.b.name, one.v.val_names.iter().flat_map(|names| names.values()));
        let many = if one.b.settings.is_set(ArgSettings::Multiple) { "..." } else { "" };
        let is_required = one.b.settings.is_set(ArgSettings::Required);
        usage.push(if is_required { format!("{name}{many}") } else { format!("[{name}]{many}") });
    }
    usage.join(" ")
}

/// `-h` and `-V`, which clap adds only while it parses a command line.
pub(super) fn always() -> [ManualEntry; 2] {
    let word = |short, long, meaning: &str| ManualEntry {
        written: switch(Some(short), Some(long)),
        meaning: meaning.to_owned(),
    };
    [word('h', "help", "Print help"), word('V', "version", "Print the version")]
}

fn switch(short: Option<char>, long: Option<&str>) -> Vec<Inline> {
    match (short, long) {
        (Some(short), Some(long)) => {
            vec![bold(format!("-{short}")), roman(", "), bold(format!("--{long}"))]
        }
        (Some(short), None) => vec![bold(format!("-{short}"))],
        (None, long) => vec![bold(format!("--{}", long.unwrap_or_default()))],
    }
}

fn text(long: Option<&str>, short: Option<&str>) -> String {
    long.or(short).unwrap_or_default().to_owned()
}

fn value<'a>(name: &str, names: impl Iterator<Item = &'a &'a str>) -> String {
    let names: Vec<_> = names.copied().collect();
    if names.is_empty() { name.to_owned() } else { names.join(" ") }
}

fn possible(values: Option<&[&str]>) -> String {
    values.map(|values| format!(" [possible values: {}]", values.join(", "))).unwrap_or_default()
}
