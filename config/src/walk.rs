//! A way through a YAML document, on which every value is met, numbered and taken as it is.
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess};
use serde::de::{SeqAccess, VariantAccess, Visitor};

use crate::node::{At, Node, Said};

/// One way through a document. Followed to the end, it brings the document as a tree.
pub(crate) struct Walk {
    /// How many values were met.
    pub(crate) met: Cell<usize>,
    /// Fail at the value with this number: the error then knows its place.
    until: usize,
}

impl Walk {
    pub(crate) fn until(until: usize) -> Self {
        Self { met: Cell::new(0), until }
    }

    fn step<E: Error>(&self) -> Result<At, E> {
        self.met.set(self.met.get() + 1);
        if self.met.get() == self.until { Err(E::custom("here")) } else { Ok(At(self.met.get())) }
    }

    fn leaf<E: Error>(&self, said: Said) -> Result<Node, E> {
        Ok(Node { at: self.step()?, said })
    }
}

impl<'de> DeserializeSeed<'de> for &Walk {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Walk {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.leaf(Said::Nothing)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.leaf(Said::Nothing)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Node, E> {
        self.leaf(Said::Truth(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        self.leaf(Said::Whole(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        self.leaf(Said::Whole(number.into()))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
        self.leaf(Said::Whole(number))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
        self.leaf(i128::try_from(number).map_or(Said::Fraction(number as f64), Said::Whole))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        self.leaf(Said::Fraction(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.leaf(Said::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let at = self.step()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node { at, said: Said::List(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let at = self.step()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(Node { at, said: Said::Map(entries) })
    }

    /// No tag means anything here, so what stands behind one is not looked at.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Node, A::Error> {
        let at = self.step()?;
        let (tag, content) = tagged.variant::<String>()?;
        content.newtype_variant::<IgnoredAny>()?;
        Ok(Node { at, said: Said::Tagged(format!("!{tag}")) })
    }
}
