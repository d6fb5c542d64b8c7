//! Parser for the text after the options: headings in capitals, paragraphs, lists and examples.

/// Maximum length of a term in a list.
const MAX_TERM_WIDTH: usize = 24;
/// Additional indentation of verbatim lines.
const VERBATIM: usize = 4;

/// A section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section<'a> {
    /// The heading; `None` before the first one.
    pub(super) heading: Option<&'a str>,
    /// Its lines.
    lines: Vec<&'a str>,
}

/// A block of lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block<'a> {
    /// Running text.
    Paragraph(String),
    /// An entry of a list: term and description.
    Item(&'a str, String),
    /// Verbatim lines.
    Verbatim(Vec<&'a str>),
}

/// Splits a text at its headings: `LIKE THIS:`, not indented.
pub(super) fn sections(text: &str) -> Vec<Section<'_>> {
    let (mut sections, mut section) = (Vec::new(), Section { heading: None, lines: Vec::new() });
    let is_capital = |c: char| c.is_ascii_uppercase() || c == ' ';
    for line in text.lines() {
        let heading = line.strip_suffix(':').filter(|line| line.chars().all(is_capital) && indent(line) == 0);
        if heading.is_some() {
            sections.push(std::mem::replace(&mut section, Section { heading, lines: Vec::new() }));
        } else {
            section.lines.push(line);
        }
    }
    sections.push(section);
    sections.retain(|section| section.lines.iter().any(|line| !line.is_empty()));
    sections
}

impl<'a> Section<'a> {
    /// The blocks of the section. Examples are verbatim.
    pub(super) fn blocks(&self) -> Vec<Block<'a>> {
        let lines = self.lines.iter().filter(|line| !line.trim().is_empty());
        let edge = lines.map(|line| indent(line)).min().unwrap_or_default();
        let (mut blocks, mut meaning_at) = (Vec::new(), None);
        for line in &self.lines {
            let (indent, text) = (indent(line), line.trim());
            let is_verbatim = self.heading == Some("EXAMPLES") || indent >= edge + VERBATIM;
            match (blocks.last_mut(), item(text)) {
                (Some(Block::Verbatim(lines)), _) if text.is_empty() => lines.push(""),
                _ if text.is_empty() => blocks.push(Block::Paragraph(String::new())),
                (Some(Block::Item(_, meaning)), _) if meaning_at == Some(indent) => add(meaning, text),
                (_, Some((word, meaning))) if self.heading != Some("EXAMPLES") => {
                    meaning_at = Some(indent + text.len() - meaning.len());
                    blocks.push(Block::Item(word, meaning.to_owned()));
                }
                (Some(Block::Verbatim(lines)), _) if is_verbatim => lines.push(&line[edge..]),
                _ if is_verbatim => blocks.push(Block::Verbatim(vec![&line[edge..]])),
                (Some(Block::Paragraph(paragraph)), _) => add(paragraph, text),
                _ => blocks.push(Block::Paragraph(text.to_owned())),
            }
        }
        blocks.retain(|block| *block != Block::Paragraph(String::new()));
        blocks
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn add(paragraph: &mut String, line: &str) {
    if !paragraph.is_empty() {
        paragraph.push(' ');
    }
    paragraph.push_str(line);
}

/// Splits a list entry at the only gap of two or more spaces.
fn item(line: &str) -> Option<(&str, &str)> {
    let (word, meaning) = line.split_once("  ")?;
    let meaning = meaning.trim_start();
    (word.len() <= MAX_TERM_WIDTH && !meaning.contains("  ")).then_some((word, meaning))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Before.

EXAMPLES:
    What is it?
        it -x  y

STATUS:
    the command's own,
    or this
     64  wrong
   128+n  signal n ended it,
          or not
    More of it:
        A   B   C

    The end.";

    #[test]
    fn letters_become_what_they_look_like() {
        let sections = sections(TEXT);

        let headings: Vec<_> = sections.iter().map(|section| section.heading).collect();
        assert_eq!(headings, [None, Some("EXAMPLES"), Some("STATUS")]);
        assert_eq!(sections[0].blocks(), [Block::Paragraph("Before.".to_owned())]);
        assert_eq!(sections[1].blocks(), [Block::Verbatim(vec!["What is it?", "    it -x  y", ""])]);
        assert_eq!(
            sections[2].blocks(),
            [
                Block::Paragraph("the command's own, or this".to_owned()),
                Block::Item("64", "wrong".to_owned()),
                Block::Item("128+n", "signal n ended it, or not".to_owned()),
                Block::Paragraph("More of it:".to_owned()),
                Block::Verbatim(vec!["     A   B   C", ""]),
                Block::Paragraph("The end.".to_owned()),
            ]
        );
    }
}
