//! A map of the file during validation: the whole file, a pool or an admin key.
use crate::check::keys;
use crate::check::value::InvalidValue;
use crate::errors::ConfigError;
use crate::yaml::merge::{self, Fields};
use crate::yaml::node::{Node, NodeId, Value};

/// Keys that were not taken yet, and the errors so far.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) id: NodeId,
    fields: Fields,
    errors: Vec<ConfigError>,
}

impl Section {
    /// Opens the map with this id.
    pub(crate) fn open(id: NodeId, entries: Vec<(Node, Node)>) -> Self {
        let mut errors = Vec::new();
        let fields = merge::fields(entries, &mut errors);
        Self { id, fields, errors }
    }

    /// Takes and validates the value of `key`. `None` if it is missing, empty or invalid; the latter adds an error.
    pub(crate) fn take<T>(
        &mut self,
        key: &str,
        check: impl Fn(&Value) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        let node = self.take_node(key)?;
        self.checked(key, &node, check)
    }

    /// As [`Section::take`], but a missing key is an error.
    pub(crate) fn take_required<T>(
        &mut self,
        key: &str,
        hint: &str,
        check: impl Fn(&Value) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        if let Some(node) = self.take_node(key) {
            return self.checked(key, &node, check);
        }
        self.add_error(InvalidValue::because("is missing", hint).of(key, self.id));
        None
    }

    /// As [`Section::take`], for one value or a list of values; each is validated and has its own line.
    pub(crate) fn take_list<T>(
        &mut self,
        key: &str,
        empty: InvalidValue,
        check: impl Fn(&Value) -> Result<T, InvalidValue>,
    ) -> Option<Vec<T>> {
        let located = self.take_list_with_ids(key, empty, check)?;
        Some(located.into_iter().map(|(_, item)| item).collect())
    }

    /// As [`Section::take_list`], with the id of each value.
    pub(crate) fn take_list_with_ids<T>(
        &mut self,
        key: &str,
        empty: InvalidValue,
        check: impl Fn(&Value) -> Result<T, InvalidValue>,
    ) -> Option<Vec<(NodeId, T)>> {
        let node = self.take_node(key)?;
        let id = node.id;
        let items = node.items();
        if items.is_empty() {
            self.add_error(empty.of(key, id));
        }
        let checked = |item: &Node| Some((item.id, self.checked(key, item, &check)?));
        Some(items.iter().filter_map(checked).collect())
    }

    fn checked<T>(
        &mut self,
        key: &str,
        node: &Node,
        check: impl Fn(&Value) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        let checked = check(&node.value);
        checked.map_err(|invalid| self.add_error(invalid.of(key, node.id))).ok()
    }

    /// Takes the value of `key` without validation; `None` if it is missing or empty.
    pub(crate) fn take_node(&mut self, key: &str) -> Option<Node> {
        let node = self.fields.remove(key)?.node;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// The id of the value of `key`; `None` if it is missing or empty.
    pub(crate) fn id_of(&self, key: &str) -> Option<NodeId> {
        let node = &self.fields.get(key)?.node;
        (!matches!(node.value, Value::Null)).then_some(node.id)
    }

    /// Adds an error.
    pub(crate) fn add_error(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    /// Adds the errors of an inner section.
    pub(crate) fn add_errors(&mut self, errors: Vec<ConfigError>) {
        self.errors.extend(errors);
    }

    /// Removes keys without validation.
    pub(crate) fn ignore(&mut self, ignored: impl Fn(&str) -> bool) {
        self.fields.retain(|key, _| !ignored(key));
    }

    /// Closes the section and returns its errors: each remaining key is unknown. `known` and `extension` are for the
    /// hints.
    pub(crate) fn close(mut self, known: &[&str], extension: Option<&str>) -> Vec<ConfigError> {
        for (key, field) in self.fields {
            let error = keys::unknown(&key, field.key, known, extension);
            self.errors.push(error);
        }
        self.errors
    }
}
