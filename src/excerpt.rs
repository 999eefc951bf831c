//! Pieces of what others sent, for logs.

use std::fmt;

/// A short, printable piece of a text that somebody else sent: evidence that is safe to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(Option<Box<str>>);

impl Excerpt {
    const LONGEST: usize = 80;

    pub(crate) fn of(text: Option<&str>) -> Self {
        let shorten = |text: &str| text.chars().take(Self::LONGEST).flat_map(char::escape_default).collect::<String>();
        Self(text.map(|text| shorten(text).into()))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "\"{text}\""),
            None => f.write_str("none"),
        }
    }
}
