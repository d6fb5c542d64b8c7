//! What the environment says: the same variables as for the wrapper, as far as they fit here.

use std::{ffi::OsString, fmt::Display};

/// Reads variables.
#[derive(Clone, Copy)]
pub(super) struct CtlEnvironment<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

impl CtlEnvironment<'_> {
    /// What `DISTRIBUTEX_` and this name says; an empty variable says nothing.
    ///
    /// # Errors
    /// When it says something that makes no sense; the sentence names the variable.
    pub(super) fn read<T, E: Display>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String> {
        self.look(name, parse, |value| format!("={value:?}"))
    }

    /// As [`CtlEnvironment::read`], and what the variable says is told to nobody.
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
        let text = value.to_str().ok_or_else(|| wrong(&"it is no UTF-8"))?;
        parse(text).map(Some).map_err(|error| wrong(&error))
    }
}
