//! The values of a document and their lines, whatever its format.

use std::collections::HashSet;

use super::error::{DocumentError, DocumentFault};

/// The maximum depth of nesting in every format. No policy needs more.
pub(super) const MAX_DEPTH: usize = 80;

pub(super) fn too_deep() -> String {
    format!("nested more than {MAX_DEPTH} levels deep")
}

/// A value and its line, which is 0 if the value was not read from a text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A value of a type that policies do not use.
    Other(&'static str),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) node: Node,
}

impl Value {
    pub(super) const NOT_AN_INTEGER: Self =
        Self::Other("a number that is not an integer or is out of range");
}

impl Node {
    pub(super) fn text(&self, key: &str, expected: &'static str) -> Result<&str, DocumentError> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.unexpected(key, expected)),
        }
    }

    pub(super) fn integer(&self, key: &str) -> Result<i64, DocumentError> {
        match self.value {
            Value::Integer(integer) => Ok(integer),
            _ => Err(self.unexpected(key, "an integer")),
        }
    }

    pub(super) fn list(&self, key: &str, expected: &'static str) -> Result<&[Self], DocumentError> {
        match &self.value {
            Value::List(nodes) => Ok(nodes),
            _ => Err(self.unexpected(key, expected)),
        }
    }

    /// Returns the entries of a table, and refuses duplicate names.
    pub(super) fn table(
        &self,
        key: &str,
        expected: &'static str,
    ) -> Result<&[Entry], DocumentError> {
        let Value::Table(entries) = &self.value else { return Err(self.unexpected(key, expected)) };
        let mut seen = HashSet::new();
        match entries.iter().find(|entry| !seen.insert(&entry.key)) {
            Some(entry) => Err(entry.node.fault(&join(key, &entry.key), DocumentFault::Duplicate)),
            None => Ok(entries),
        }
    }

    pub(super) fn unexpected(&self, key: &str, expected: &'static str) -> DocumentError {
        let found = match self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(what) => what,
        };
        self.fault(key, DocumentFault::Expected { expected, found })
    }

    pub(super) fn fault(&self, key: &str, fault: DocumentFault) -> DocumentError {
        DocumentError::new(self.line, key, fault)
    }
}

pub(super) fn find<'a>(members: &'a [Entry], key: &str) -> Option<&'a Node> {
    members.iter().find(|member| member.key == key).map(|member| &member.node)
}

/// Returns the full key of a member. Its name may contain any character.
pub(super) fn join(key: &str, member: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
    let name = match (1..=64).contains(&member.len()) && member.bytes().all(is_plain) {
        true => member.to_owned(),
        false => format!("{:?}", excerpt(member)),
    };
    if key.is_empty() { name } else { format!("{key}.{name}") }
}

/// Returns the first 64 characters of a name, for errors and comparisons. Valid names are short.
pub(super) fn excerpt(name: &str) -> String {
    name.chars().take(64).collect()
}

/// The offsets at which the lines of a text end.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(offset, _)| offset)
                .collect(),
        )
    }

    /// Returns the line at an offset in the text, counted from 1.
    pub(super) fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|end| *end < offset)
    }
}
