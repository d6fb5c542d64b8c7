//! serde visitor that numbers every value.
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess};
use serde::de::{SeqAccess, VariantAccess, Visitor};

use crate::yaml::node::{Node, NodeId, Value};

/// Visitor of one document; returns it as a tree of nodes.
pub(crate) struct NodeVisitor {
    /// Number of values seen so far.
    pub(crate) seen: Cell<usize>,
    /// Number of the value at which to fail: the error has its position.
    fail_at: usize,
}

impl NodeVisitor {
    pub(crate) fn fail_at(fail_at: usize) -> Self {
        Self { seen: Cell::new(0), fail_at }
    }

    fn next_id<E: Error>(&self) -> Result<NodeId, E> {
        self.seen.set(self.seen.get() + 1);
        if self.seen.get() == self.fail_at { Err(E::custom("here")) } else { Ok(NodeId(self.seen.get())) }
    }

    fn leaf<E: Error>(&self, value: Value) -> Result<Node, E> {
        Ok(Node { id: self.next_id()?, value })
    }
}

impl<'de> DeserializeSeed<'de> for &NodeVisitor {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.leaf(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.leaf(Value::Null)
    }

    fn visit_bool<E: Error>(self, boolean: bool) -> Result<Node, E> {
        self.leaf(Value::Bool(boolean))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        self.leaf(Value::Integer(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        self.leaf(Value::Integer(number.into()))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
        self.leaf(Value::Integer(number))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
        self.leaf(i128::try_from(number).map_or(Value::Float(number as f64), Value::Integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        self.leaf(Value::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.leaf(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let id = self.next_id()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node { id, value: Value::List(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let id = self.next_id()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(Node { id, value: Value::Map(entries) })
    }

    /// Tags have no meaning here, so the content is ignored.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Node, A::Error> {
        let id = self.next_id()?;
        let (tag, content) = tagged.variant::<String>()?;
        content.newtype_variant::<IgnoredAny>()?;
        Ok(Node { id, value: Value::Tagged(format!("!{tag}")) })
    }
}
