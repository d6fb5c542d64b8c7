//! What is wrong with a file: all of it, with the lines.
use std::error::Error;
use std::fmt;

use crate::node::At;
use crate::yaml;

/// Each line costs one reading of the file, and nobody corrects more than that at once.
const MAX_REPORTED: usize = 100;

/// Something wrong in the file, and how to make it right.
#[derive(Debug)]
pub(crate) struct ConfigError {
    pub(crate) place: Place,
    /// What is wrong, in words that fit in front of a semicolon.
    pub(crate) problem: String,
    /// The other place, where something was said twice.
    pub(crate) first: Option<At>,
    /// What to do about it.
    pub(crate) way_out: String,
}

/// Where a mistake is. In this order they are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    File,
    Line(usize),
    Value(At),
}

impl ConfigError {
    /// A mistake of a value.
    pub(crate) fn new(at: At, problem: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { place: Place::Value(at), problem: problem.into(), first: None, way_out: way_out.into() }
    }

    /// A mistake in a line that is known.
    pub(crate) fn in_line(line: usize, problem: impl Into<String>, way_out: &str) -> Self {
        Self { place: Place::Line(line), problem: problem.into(), first: None, way_out: way_out.to_owned() }
    }

    /// A mistake of the file as a whole; `problem` goes on after its name.
    pub(crate) fn in_file(problem: &str, way_out: &str) -> Self {
        let problem = format!("the file {problem}");
        Self { place: Place::File, problem, first: None, way_out: way_out.to_owned() }
    }

    /// The same mistake, which happened inside of something.
    pub(crate) fn inside(self, what: &str) -> Self {
        Self { problem: format!("{what}: {}", self.problem), ..self }
    }

    fn line(&self, text: &str) -> Option<usize> {
        match self.place {
            Place::File => None,
            Place::Line(line) => Some(line),
            Place::Value(at) => yaml::line(text, at),
        }
    }

    fn words(&self, text: &str) -> String {
        let first = self.first.and_then(|at| yaml::line(text, at));
        let first = first.map_or_else(String::new, |line| format!(", first in line {line}"));
        format!("{}{first}; {}", self.problem, self.way_out)
    }
}

/// All mistakes of a configuration file, in the order of their lines.
///
/// Displayed, each is one line `FILE:LINE: what is wrong; the way out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// Finds the lines of the mistakes `found` in `text`.
    pub(crate) fn new(file: &str, text: &str, mut found: Vec<ConfigError>) -> Self {
        found.sort_by_key(|mistake| mistake.place);
        let shown = found.iter().take(MAX_REPORTED);
        let placed = |mistake: &ConfigError| (mistake.line(text), mistake.words(text));
        let mut placed: Vec<_> = shown.map(placed).collect();
        placed.sort_by_key(|(line, _)| *line); // that of an alias is the line of its anchor
        let written = |(line, words): (_, String)| in_front(file, line) + &words;
        let mut lines: Vec<_> = placed.into_iter().map(written).collect();
        if let Some(more @ 1..) = found.len().checked_sub(MAX_REPORTED) {
            lines.push(format!("{file}: and {more} more; correct these first"));
        }
        Self(lines)
    }

    /// The mistakes one by one.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn in_front(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| format!("{file}: "), |line| format!("{file}:{line}: "))
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Error for ConfigErrors {}
