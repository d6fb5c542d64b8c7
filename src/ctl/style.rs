//! Colors for terminals; no information is in a color alone.

use std::{
    env,
    io::{self, IsTerminal as _},
    str::FromStr,
};

/// Use of colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Color {
    /// On a terminal that supports them, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Style of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    /// Unchanged.
    #[default]
    Plain,
    /// Headings.
    Bold,
    /// Paused.
    Yellow,
    /// Errors.
    Red,
}

impl Color {
    /// Whether standard output gets colors.
    pub(super) fn is_wanted(self) -> bool {
        let no_color = || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Self::Auto => is_drawable() && !no_color(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Whether standard output is a terminal that supports colors and cursor movement. One without a name, or called
/// `dumb`, would show their codes as text.
pub(super) fn is_drawable() -> bool {
    let is_smart = || env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    io::stdout().is_terminal() && is_smart()
}

impl FromStr for Color {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("must be auto, always or never"),
        }
    }
}

impl Style {
    /// The text in this style, if `wanted`.
    pub(super) fn on(self, text: &str, wanted: bool) -> String {
        let code = match self {
            Self::Plain => None,
            Self::Bold => Some(1),
            Self::Yellow => Some(33),
            Self::Red => Some(31),
        };
        match code.filter(|_| wanted && !text.is_empty()) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}
