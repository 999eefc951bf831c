//! Pieces of what others sent, for logs.

use std::fmt;

/// A short, printable piece of a text that somebody else sent: evidence that is safe to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(Option<Box<str>>);

impl Excerpt {
    pub(crate) fn of(text: Option<&str>) -> Self {
        Self(text.map(printable))
    }
}

/// In characters.
const LONGEST: usize = 80;

/// The beginning of a text, with escapes for all but printable ASCII.
pub(crate) fn printable(text: &str) -> Box<str> {
    text.chars().take(LONGEST).flat_map(char::escape_default).collect()
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "\"{text}\""),
            None => f.write_str("none"),
        }
    }
}
