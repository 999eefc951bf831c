//! Parsing of TOML.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::error::DocumentError;
use super::tree::{Entry, Lines, Node, Value};

/// Parses a TOML document. The parser refuses more than 80 levels, which bounds the recursion here.
pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        // The parser's message for a duplicate key does not include the key. Add the text at the
        // error's position.
        let place = text
            .get(span.clone())
            .filter(|place| (1..=64).contains(&place.len()) && !place.contains('\n'));
        let message =
            place.map_or(error.message().into(), |place| format!("{}: {place}", error.message()));
        DocumentError::syntax(lines.at(span.start), &message)
    })?;
    Ok(Node { line: 1, value: entries(&lines, table.get_ref()) })
}

/// Returns the entries of a table, in the order of the document.
fn entries(lines: &Lines, table: &DeTable<'_>) -> Value {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| Entry {
        key: String::from(AsRef::<str>::as_ref(key.get_ref())),
        node: Node { line: lines.at(key.span().start), value: self::value(lines, value) },
    };
    Value::Table(entries.into_iter().map(entry).collect())
}

fn value(lines: &Lines, value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(string) => Value::Text(string.as_ref().into()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Other("an integer out of range"),
        },
        DeValue::Array(array) => {
            let node = |item: &Spanned<DeValue<'_>>| Node {
                line: lines.at(item.span().start),
                value: self::value(lines, item),
            };
            Value::List(array.iter().map(node).collect())
        }
        DeValue::Table(table) => entries(lines, table),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Boolean(_) => Value::Other("a boolean"),
        DeValue::Datetime(_) => Value::Other("a date"),
    }
}
