//! Errors of a configuration file, with their lines.
use std::error::Error;
use std::fmt;

use crate::yaml;
use crate::yaml::node::NodeId;

/// Finding a line costs one pass over the file.
const MAX_REPORTED: usize = 100;

/// One error of the file and how to correct it.
#[derive(Debug)]
pub(crate) struct ConfigError {
    pub(crate) location: Location,
    /// Problem, without the file and the line.
    pub(crate) problem: String,
    /// The first occurrence of something that is given twice.
    pub(crate) first: Option<NodeId>,
    /// How to correct it.
    pub(crate) hint: String,
}

/// Location of an error. Errors are reported in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Location {
    File,
    Line(usize),
    Value(NodeId),
}

impl ConfigError {
    /// An error of a value.
    pub(crate) fn new(id: NodeId, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { location: Location::Value(id), problem: problem.into(), first: None, hint: hint.into() }
    }

    /// An error on a known line.
    pub(crate) fn in_line(line: usize, problem: impl Into<String>, hint: &str) -> Self {
        Self { location: Location::Line(line), problem: problem.into(), first: None, hint: hint.to_owned() }
    }

    /// An error of the whole file; `problem` follows "the file".
    pub(crate) fn in_file(problem: &str, hint: &str) -> Self {
        let problem = format!("the file {problem}");
        Self { location: Location::File, problem, first: None, hint: hint.to_owned() }
    }

    /// Adds the name of the enclosing section.
    pub(crate) fn inside(self, what: &str) -> Self {
        Self { problem: format!("{what}: {}", self.problem), ..self }
    }

    fn line(&self, text: &str) -> Option<usize> {
        match self.location {
            Location::File => None,
            Location::Line(line) => Some(line),
            Location::Value(id) => yaml::line(text, id),
        }
    }

    fn words(&self, text: &str) -> String {
        let first = self.first.and_then(|id| yaml::line(text, id));
        let first = first.map_or_else(String::new, |line| format!(", first in line {line}"));
        format!("{}{first}; {}", self.problem, self.hint)
    }
}

/// All errors of a configuration file, in the order of their lines.
///
/// Displayed as one line each: `FILE:LINE: problem; hint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// Determines the lines of the errors in `text`.
    pub(crate) fn new(file: &str, text: &str, mut found: Vec<ConfigError>) -> Self {
        found.sort_by_key(|error| error.location);
        let shown = found.iter().take(MAX_REPORTED);
        let located = |error: &ConfigError| (error.line(text), error.words(text));
        let mut located: Vec<_> = shown.map(located).collect();
        located.sort_by_key(|(line, _)| *line); // an alias has the line of its anchor
        let written = |(line, words): (_, String)| in_front(file, line) + &words;
        let mut lines: Vec<_> = located.into_iter().map(written).collect();
        if let Some(more @ 1..) = found.len().checked_sub(MAX_REPORTED) {
            lines.push(format!("{file}: and {more} more; correct these first"));
        }
        Self(lines)
    }

    /// The errors, one line each.
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
