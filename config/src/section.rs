//! A part of the file that consists of keys with values: the whole of it, each pool, and each operator's key.
use crate::errors::ConfigError;
use crate::keys;
use crate::merge::{self, Fields};
use crate::node::{At, Node, Said};
use crate::value::Unfit;

/// Keys that were not asked for yet, and the mistakes so far.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) at: At,
    fields: Fields,
    mistakes: Vec<ConfigError>,
}

impl Section {
    /// Opens the map at `at`.
    pub(crate) fn open(at: At, entries: Vec<(Node, Node)>) -> Self {
        let mut mistakes = Vec::new();
        let fields = merge::fields(entries, &mut mistakes);
        Self { at, fields, mistakes }
    }

    /// Takes the value of `key`. `None`: it was left out or empty, or it is wrong and that is noted.
    pub(crate) fn take<T>(&mut self, key: &str, check: impl Fn(&Said) -> Result<T, Unfit>) -> Option<T> {
        let value = self.take_node(key)?;
        self.checked(key, &value, check)
    }

    /// As [`Section::take`], but to leave it out is a mistake too.
    pub(crate) fn take_needed<T>(
        &mut self,
        key: &str,
        way_out: &str,
        check: impl Fn(&Said) -> Result<T, Unfit>,
    ) -> Option<T> {
        if let Some(value) = self.take_node(key) {
            return self.checked(key, &value, check);
        }
        self.note(Unfit::because("is missing", way_out).of(key, self.at));
        None
    }

    /// As [`Section::take`], for one value or a list of them; each is checked, and has its own line.
    pub(crate) fn take_each<T>(
        &mut self,
        key: &str,
        empty: Unfit,
        check: impl Fn(&Said) -> Result<T, Unfit>,
    ) -> Option<Vec<T>> {
        let placed = self.take_each_placed(key, empty, check)?;
        Some(placed.into_iter().map(|(_, item)| item).collect())
    }

    /// As [`Section::take_each`], with the place of each.
    pub(crate) fn take_each_placed<T>(
        &mut self,
        key: &str,
        empty: Unfit,
        check: impl Fn(&Said) -> Result<T, Unfit>,
    ) -> Option<Vec<(At, T)>> {
        let value = self.take_node(key)?;
        let at = value.at;
        let items = value.items();
        if items.is_empty() {
            self.note(empty.of(key, at));
        }
        let checked = |item: &Node| Some((item.at, self.checked(key, item, &check)?));
        Some(items.iter().filter_map(checked).collect())
    }

    fn checked<T>(
        &mut self,
        key: &str,
        value: &Node,
        check: impl Fn(&Said) -> Result<T, Unfit>,
    ) -> Option<T> {
        let checked = check(&value.said);
        checked.map_err(|unfit| self.note(unfit.of(key, value.at))).ok()
    }

    /// Takes the value of `key` as it is, unless it is empty: `key:` says as much as no key.
    pub(crate) fn take_node(&mut self, key: &str) -> Option<Node> {
        let value = self.fields.remove(key)?.value;
        (!matches!(value.said, Said::Nothing)).then_some(value)
    }

    /// The place of the value of `key`, unless it is left out or empty.
    pub(crate) fn place(&self, key: &str) -> Option<At> {
        let value = &self.fields.get(key)?.value;
        (!matches!(value.said, Said::Nothing)).then_some(value.at)
    }

    /// Notes a mistake.
    pub(crate) fn note(&mut self, mistake: ConfigError) {
        self.mistakes.push(mistake);
    }

    /// Notes the mistakes of a section inside of this one.
    pub(crate) fn note_all(&mut self, mistakes: Vec<ConfigError>) {
        self.mistakes.extend(mistakes);
    }

    /// Drops the keys that nobody shall look at.
    pub(crate) fn ignore(&mut self, ignored: impl Fn(&str) -> bool) {
        self.fields.retain(|key, _| !ignored(key));
    }

    /// Ends the section: keys that are left are unknown, those in `known` would have been right,
    /// or those that begin with `extension`.
    pub(crate) fn close(mut self, known: &[&str], extension: Option<&str>) -> Vec<ConfigError> {
        for (key, field) in self.fields {
            let mistake = keys::unknown(&key, field.key, known, extension);
            self.mistakes.push(mistake);
        }
        self.mistakes
    }
}
