//! The keys of a map, after YAML's merge key was followed.
//!
//! `<<: *base` brings the keys of another map, or of a list of maps. What stands in the map itself
//! counts more than what is merged, and earlier maps of a list more than later ones.
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::errors::ConfigError;
use crate::keys::{self, MERGE};
use crate::node::{At, Node, Said};

/// The keys of a map. The order of the file is of no use any more: mistakes know their places.
pub(crate) type Fields = BTreeMap<String, Field>;

/// What stands behind a key.
#[derive(Debug)]
pub(crate) struct Field {
    /// The place of the key.
    pub(crate) key: At,
    pub(crate) value: Node,
}

/// The keys of a map, with those that are merged into it.
pub(crate) fn fields(entries: Vec<(Node, Node)>, mistakes: &mut Vec<ConfigError>) -> Fields {
    let mut fields = own(entries, mistakes);
    let Some(merge) = fields.remove(MERGE) else {
        return fields;
    };
    for (key, field) in merged(merge.value, mistakes).into_iter().flatten() {
        fields.entry(key).or_insert(field);
    }
    fields
}

/// The keys that stand in the map itself.
fn own(entries: Vec<(Node, Node)>, mistakes: &mut Vec<ConfigError>) -> Fields {
    let mut fields = Fields::new();
    for (Node { at, said }, value) in entries {
        let Some(word) = said.word() else {
            let way_out = "write KEY: VALUE with a word as the key";
            mistakes.push(ConfigError::new(at, format!("a key is {said}"), way_out));
            continue;
        };
        match fields.entry(word) {
            Entry::Occupied(first) => mistakes.push(keys::twice(first.key(), at, first.get().key)),
            Entry::Vacant(free) => {
                free.insert(Field { key: at, value });
            }
        }
    }
    fields
}

/// The maps that a merge key names; it may name maps with merge keys.
fn merged(value: Node, mistakes: &mut Vec<ConfigError>) -> Vec<Fields> {
    let mut all = Vec::new();
    for Node { at, said } in value.items() {
        if let Said::Map(entries) = said {
            all.push(fields(entries, mistakes));
        } else {
            let way_out = "name a map, as in <<: *base, or several, as in <<: [*base, *more]";
            mistakes.push(ConfigError::new(at, format!("{MERGE} is {said}"), way_out));
        }
    }
    all
}
