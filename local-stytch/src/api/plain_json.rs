//! Refuses JSON that is nested too deeply for common JSON readers, or that uses serde_json's
//! private marker for raw JSON.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

/// The maximum depth of objects and arrays. Responses contain the client's values some levels
/// deeper, and most readers stop at 128.
const LEVELS: u8 = 64;
/// The member name with which serde_json marks raw JSON. `Value` parses the string under this name
/// as JSON and counts its levels from zero again, so nested markers would overflow the stack.
/// serde_json's other marker, for numbers, nests nothing. Every number has it with
/// `arbitrary_precision`.
const HIDDEN_JSON: &str = "$serde_json::private::RawValue";

/// JSON of at most 64 levels, without the marker for raw JSON. The values are discarded while they
/// are read.
pub(super) struct PlainJson;

impl<'de> Deserialize<'de> for PlainJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Within(LEVELS).deserialize(deserializer).map(|()| Self)
    }
}

/// A value that may have this many more levels.
struct Within(u8);

impl Within {
    fn below<E: Error>(&self) -> Result<u8, E> {
        self.0
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("nested more than {LEVELS} levels deep")))
    }
}

impl<'de> DeserializeSeed<'de> for Within {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while items.next_element_seed(Within(below))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while let Some(name) = members.next_key::<String>()? {
            if name == HIDDEN_JSON {
                return Err(A::Error::custom(format_args!("the name {HIDDEN_JSON} is reserved")));
            }
            members.next_value_seed(Within(below))?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
