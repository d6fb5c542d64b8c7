//! Manual pages in roff.

use roff::{Inline, Roff, bold, italic, roman};
use structopt::clap::{App, AppSettings};

use super::{
    options::{ManualEntry, always, arguments, options, usage},
    sections::{Block, Section, sections},
};

/// The page of a program in this section of the manual.
pub(super) fn page(app: &App<'_, '_>, manual: &str) -> String {
    let meta = &app.p.meta;
    let (name, about) = (meta.name.as_str(), meta.about.unwrap_or_default().trim_end_matches('.'));
    let (title, version) = (name.to_uppercase(), format!("Distributex {}", env!("CARGO_PKG_VERSION")));
    let mut page = Roff::new();
    page.control("TH", [title.as_str(), manual, "\"\"", &version, "Distributex"]);
    heading(&mut page, "NAME").text([roman(format!("{name} - {}", uncapitalised(about)))]);
    heading(&mut page, "SYNOPSIS");
    synopsis(&mut page, &usage(app));
    heading(&mut page, "DESCRIPTION").text([roman(meta.long_about.unwrap_or(about)), roman(".")]);
    list(&mut page, arguments(app));
    heading(&mut page, "OPTIONS");
    list(&mut page, options(app).into_iter().chain(always()));
    commands(&mut page, app);
    for section in sections(meta.more_help.unwrap_or_default()) {
        heading(&mut page, section.heading.unwrap_or("NOTES"));
        blocks(&mut page, &section, true);
    }
    others(&mut page, name);
    page.render()
}

/// The commands with their options.
fn commands(page: &mut Roff, app: &App<'_, '_>) {
    let shown = |command: &&App<'_, '_>| !command.p.is_set(AppSettings::Hidden);
    let mut commands = app.p.subcommands.iter().filter(shown).peekable();
    if commands.peek().is_some() {
        heading(page, "COMMANDS");
    }
    for command in commands {
        let usage = match command.p.meta.usage_str {
            Some(usage) => usage.to_owned(),
            None => format!("{} {}", app.p.meta.name, usage(command)),
        };
        page.control("SS", [quoted(&command.p.meta.name).as_str()]);
        synopsis(page, &usage);
        page.control("PP", []).text([roman(command.p.meta.about.unwrap_or_default()), roman(".")]);
        list(page, arguments(command).into_iter().chain(options(command)));
        for section in sections(command.p.meta.more_help.unwrap_or_default()) {
            blocks(page, &section, false);
        }
    }
}

fn heading<'a>(page: &'a mut Roff, heading: &str) -> &'a mut Roff {
    page.control("SH", [quoted(heading).as_str()])
}

/// A text as one macro argument.
fn quoted(text: &str) -> String {
    text.replace('"', "")
}

fn synopsis(page: &mut Roff, usage: &str) {
    page.control("nf", []);
    for line in usage.lines() {
        page.text([roman(line.trim())]);
    }
    page.control("fi", []);
}

fn list(page: &mut Roff, words: impl IntoIterator<Item = ManualEntry>) {
    for ManualEntry { written, meaning } in words {
        item(page, written, &meaning);
    }
}

fn item(page: &mut Roff, written: Vec<Inline>, meaning: &str) {
    page.control("TP", []).text(written).text([roman(meaning)]);
}

/// A paragraph directly below a heading needs no macro.
fn blocks(page: &mut Roff, section: &Section<'_>, mut below_heading: bool) {
    for block in section.blocks() {
        if !below_heading && !matches!(block, Block::Item(..)) {
            page.control("PP", []);
        }
        below_heading = false;
        match block {
            Block::Item(word, meaning) => item(page, vec![bold(word)], &meaning),
            Block::Paragraph(text) => {
                page.text([roman(text)]);
            }
            Block::Verbatim(lines) => {
                page.control("nf", []);
                for line in lines.join("\n").trim_end().lines() {
                    if line.is_empty() {
                        page.control("sp", [])
                    } else {
                        page.text([roman(line)])
                    };
                }
                page.control("fi", []);
            }
        }
    }
}

fn others(page: &mut Roff, name: &str) {
    let all = [("distributex", "(1)"), ("distributexctl", "(1)"), ("distributexd", "(8)")];
    let mut words = Vec::new();
    for (other, section) in all.into_iter().filter(|(other, _)| *other != name) {
        let between = if words.is_empty() { "" } else { ", " };
        words.extend([roman(between), italic(other), roman(section)]);
    }
    heading(page, "SEE ALSO").text(words);
}

fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
