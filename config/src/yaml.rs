//! From text to [`Node`]s, and from a [`Node`] back to its line.
//!
//! The parser knows a place only when it fails. So every value gets a number when it is met, and the
//! line of a value is found by reading again and failing on purpose when its number comes up.
use serde::de::DeserializeSeed;
use serde_yaml::Deserializer;

use crate::errors::ConfigError;
use crate::node::{At, Node};
use crate::syntax;
use crate::walk::Walk;

/// More values than any file needs. A few lines of aliases can ask for more than fits into memory.
const MAX_VALUES: usize = 1_000_000;

/// Reads `text` into a tree.
pub(crate) fn tree(text: &str) -> Result<Node, ConfigError> {
    syntax::parseable(text)?;
    let mut documents = Deserializer::from_str(text);
    let Some(first) = documents.next() else {
        return Err(ConfigError::in_file("has no document", "name at least one pool under pools:"));
    };
    let tree = first_document(first, text)?;
    match documents.next() {
        Some(second) => Err(second_document(second)),
        None => Ok(tree),
    }
}

fn first_document(document: Deserializer<'_>, text: &str) -> Result<Node, ConfigError> {
    let walk = Walk::until(MAX_VALUES);
    walk.deserialize(document).map_err(|error| {
        if walk.met.get() == MAX_VALUES {
            ConfigError::in_file("says too much once its aliases are followed", "use fewer aliases")
        } else {
            syntax::mistake(&error, text)
        }
    })
}

/// The line of the value `at`, counted from 1.
pub(crate) fn line(text: &str, at: At) -> Option<usize> {
    failure(Deserializer::from_str(text).next()?, at)
}

/// Nobody could say which of the two the server shall follow.
fn second_document(document: Deserializer<'_>) -> ConfigError {
    let way_out = "keep one document: remove the line --- in front of it";
    match failure(document, At(1)) {
        Some(line) => ConfigError::in_line(line, "a second document begins", way_out),
        None => ConfigError::in_file("has a second document", way_out),
    }
}

/// The line in which reading fails when the value `at` comes up, or before.
fn failure(document: Deserializer<'_>, At(at): At) -> Option<usize> {
    let error = Walk::until(at).deserialize(document).err()?;
    Some(error.location()?.line())
}
