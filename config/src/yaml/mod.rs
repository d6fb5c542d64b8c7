//! Parsing of the text into [`Node`]s, and lines of nodes.
//!
//! The parser reports a position only in an error. So every value is numbered when it is parsed, and its line is
//! determined by parsing again and failing on purpose at that number.
mod anchors;
pub(crate) mod merge;
pub(crate) mod node;
pub(crate) mod syntax;
mod visitor;

use serde::de::DeserializeSeed;
use serde_yaml::Deserializer;

use crate::errors::ConfigError;
use crate::yaml::node::{Node, NodeId};
use crate::yaml::visitor::NodeVisitor;

/// Limit against a few lines of aliases that expand to more than fits into memory.
const MAX_VALUES: usize = 1_000_000;

/// Parses `text` into a tree.
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
    let walk = NodeVisitor::fail_at(MAX_VALUES);
    walk.deserialize(document).map_err(|error| {
        if walk.seen.get() == MAX_VALUES {
            ConfigError::in_file("has too many values once its aliases are resolved", "use fewer aliases")
        } else {
            syntax::yaml_error(&error, text)
        }
    })
}

/// The line of a node, from 1.
pub(crate) fn line(text: &str, id: NodeId) -> Option<usize> {
    failure(Deserializer::from_str(text).next()?, id)
}

/// The error for a second document.
fn second_document(document: Deserializer<'_>) -> ConfigError {
    let hint = "keep one document: remove the line --- in front of it";
    match failure(document, NodeId(1)) {
        Some(line) => ConfigError::in_line(line, "a second document begins", hint),
        None => ConfigError::in_file("has a second document", hint),
    }
}

/// The line at which parsing fails, at this node or before it.
fn failure(document: Deserializer<'_>, NodeId(id): NodeId) -> Option<usize> {
    let error = NodeVisitor::fail_at(id).deserialize(document).err()?;
    Some(error.location()?.line())
}
