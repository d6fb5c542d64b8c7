//! Colours, for who looks at a terminal: few, and never the only thing that says something.

use std::{
    env,
    io::{self, IsTerminal as _},
    str::FromStr,
};

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal that knows them, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Bold,
    /// What stands still.
    Yellow,
    /// What went wrong.
    Red,
}

impl Color {
    /// Whether the standard output gets colours.
    pub(super) fn is_wanted(self) -> bool {
        let no_color = || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Self::Auto => is_drawable() && !no_color(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Whether the standard output is a terminal that knows colours and how to move the cursor. One without a name, or
/// called `dumb`, shows the codes for them as text.
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
            _ => Err("write auto, always or never"),
        }
    }
}

impl Style {
    /// The text in this colour, if colours are wanted.
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
