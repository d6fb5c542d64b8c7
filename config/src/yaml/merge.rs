//! Keys of a map, with YAML's merge key `<<` resolved.
//!
//! `<<: *base` adds the keys of another map, or of a list of maps. The map's own keys take precedence over merged
//! ones, and earlier maps of a list over later ones.
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::check::keys::{self, MERGE};
use crate::errors::ConfigError;
use crate::yaml::node::{Node, NodeId, Value};

/// The keys of a map, sorted by name.
pub(crate) type Fields = BTreeMap<String, Field>;

/// A key's position and value.
#[derive(Debug)]
pub(crate) struct Field {
    /// The node of the key.
    pub(crate) key: NodeId,
    pub(crate) node: Node,
}

/// The keys of a map, merged ones included.
pub(crate) fn fields(entries: Vec<(Node, Node)>, errors: &mut Vec<ConfigError>) -> Fields {
    let mut fields = own(entries, errors);
    let Some(merge) = fields.remove(MERGE) else {
        return fields;
    };
    for (key, field) in merged(merge.node, errors).into_iter().flatten() {
        fields.entry(key).or_insert(field);
    }
    fields
}

/// The map's own keys.
fn own(entries: Vec<(Node, Node)>, errors: &mut Vec<ConfigError>) -> Fields {
    let mut fields = Fields::new();
    for (Node { id, value }, node) in entries {
        let Some(word) = value.word() else {
            let hint = "write KEY: VALUE with a word as the key";
            errors.push(ConfigError::new(id, format!("a key is {value}"), hint));
            continue;
        };
        match fields.entry(word) {
            Entry::Occupied(first) => errors.push(keys::duplicate(first.key(), id, first.get().key)),
            Entry::Vacant(free) => {
                free.insert(Field { key: id, node });
            }
        }
    }
    fields
}

/// The maps that a merge key names; their own merge keys are resolved too.
fn merged(node: Node, errors: &mut Vec<ConfigError>) -> Vec<Fields> {
    let mut all = Vec::new();
    for Node { id, value } in node.items() {
        if let Value::Map(entries) = value {
            all.push(fields(entries, errors));
        } else {
            let hint = "name a map, as in <<: *base, or several, as in <<: [*base, *more]";
            errors.push(ConfigError::new(id, format!("{MERGE} is {value}"), hint));
        }
    }
    all
}
