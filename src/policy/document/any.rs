//! Policies in any format that serde supports.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::policies::Policies;
use super::read;
use super::tree::{Entry, MAX_DEPTH, Node, Value, too_deep};

/// `serde_json` and `toml` represent some numbers and dates as a map with one member. These are the
/// keys of that member.
const NUMBER: &str = "$serde_json::private::Number";
const DATE: &str = "$__toml_private_datetime";

impl<'de> Deserialize<'de> for Policies {
    /// Reads the tables `policy` and `trust`, as strictly as [`from_toml`](Policies::from_toml).
    /// Error messages include the key, but not the line.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = 0;
        let value = Depth(0).deserialize(deserializer)?;
        read::policies(&Node { line, value }).map_err(|error| Error::custom(error.without_line()))
    }
}

/// A reader of a value at this depth of nesting.
struct Depth(usize);

impl Depth {
    fn inner<E: Error>(&self) -> Result<Self, E> {
        if self.0 < MAX_DEPTH { Ok(Self(self.0 + 1)) } else { Err(E::custom(too_deep())) }
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("policies")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Value, E> {
        Ok(integer.try_into().map_or(Value::NOT_AN_INTEGER, Value::Integer))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Ok(Value::NOT_AN_INTEGER)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other("a boolean"))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Other("null"))
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.inner()?.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Value, D::Error> {
        self.inner()?.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(value) = items.next_element_seed(self.inner()?)? {
            nodes.push(Node { line: 0, value });
        }
        Ok(Value::List(nodes))
    }

    /// Keeps duplicate keys, so that [`Node::table`] can refuse them.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.inner()?)?;
            entries.push(Entry { key, node: Node { line: 0, value } });
        }
        Ok(match &*entries {
            [Entry { key, node: Node { value: Value::Text(number), .. } }] if key == NUMBER => {
                number.parse().map_or(Value::NOT_AN_INTEGER, Value::Integer)
            }
            [Entry { key, .. }] if key == DATE => Value::Other("a date"),
            _ => Value::Table(entries),
        })
    }
}
