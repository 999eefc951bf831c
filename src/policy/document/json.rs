//! Parsing of JSON.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::DocumentError;
use super::tree::{Entry, Lines, MAX_DEPTH, Node, Value, too_deep};

pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    if text.starts_with('\u{feff}') {
        return Err(DocumentError::syntax(
            1,
            "the text begins with a byte order mark (U+FEFF), which JSON does not allow",
        ));
    }
    let lines = Lines::of(text);
    let line_of =
        |raw: &RawValue| lines.at(raw.get().as_ptr().addr().saturating_sub(text.as_ptr().addr()));
    node(read(text, 1)?, &line_of, 0)
}

/// Converts a value from its raw text, whose position in the document gives the line.
fn node(
    raw: &RawValue,
    line_of: &dyn Fn(&RawValue) -> usize,
    depth: usize,
) -> Result<Node, DocumentError> {
    let line = line_of(raw);
    if depth > MAX_DEPTH {
        return Err(DocumentError::syntax(line, &too_deep()));
    }
    let inner = |raw: &RawValue| node(raw, line_of, depth + 1);
    let value = match raw.get().as_bytes().first() {
        Some(b'"') => Value::Text(read(raw.get(), line)?),
        Some(b'[') => {
            let items: Vec<&RawValue> = read(raw.get(), line)?;
            Value::List(items.into_iter().map(inner).collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let Members(members) = read(raw.get(), line)?;
            let entry = |(key, raw)| Ok(Entry { key, node: inner(raw)? });
            Value::Table(members.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        Some(b't' | b'f') => Value::Other("a boolean"),
        Some(b'n') => Value::Other("null"),
        _ => raw.get().parse().map_or(Value::NOT_AN_INTEGER, Value::Integer),
    };
    Ok(Node { line, value })
}

fn read<'a, T: Deserialize<'a>>(text: &'a str, line: usize) -> Result<T, DocumentError> {
    serde_json::from_str(text).map_err(|error| {
        let line = line + error.line().saturating_sub(1);
        let message = error.to_string();
        // Remove the line from the message, because it counts from the start of this piece.
        let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
        DocumentError::syntax(line, message)
    })
}

/// The members of an object in their order, including duplicate keys.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
