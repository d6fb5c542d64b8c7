//! Environment variables of the operator's tool.

use std::{ffi::OsString, fmt::Display};

/// Reader of environment variables.
#[derive(Clone, Copy)]
pub(super) struct CtlEnvironment<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

impl CtlEnvironment<'_> {
    /// Parses the variable `DISTRIBUTEX_{name}`; `None` if it is unset or empty.
    ///
    /// # Errors
    /// An invalid value; the sentence names the variable.
    pub(super) fn read<T, E: Display>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String> {
        self.look(name, parse, |value| format!("={value:?}"))
    }

    /// Like [`CtlEnvironment::read`], for a secret: errors do not show the value.
    ///
    /// # Errors
    /// As [`CtlEnvironment::read`].
    pub(super) fn read_secret<T, E: Display>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String> {
        self.look(name, parse, |_| String::new())
    }

    fn look<T, E: Display>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        show: impl Fn(&OsString) -> String,
    ) -> Result<Option<T>, String> {
        let name = format!("DISTRIBUTEX_{name}");
        let Some(value) = (self.0)(&name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let wrong = |why: &dyn Display| format!("{name}{} in the environment: {why}", show(&value));
        let text = value.to_str().ok_or_else(|| wrong(&"must be valid UTF-8"))?;
        parse(text).map(Some).map_err(|error| wrong(&error))
    }
}
