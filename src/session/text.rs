//! The texts of a session, which are pieces of its token.

use std::ptr;

/// The token and its payload in one buffer, which most texts of the session point into.
pub(crate) struct Source {
    /// The token, and then its payload.
    token_and_payload: String,
    token_bytes: usize,
}

impl Source {
    /// `token_bytes` of the text are the token, and the rest is its payload.
    pub(crate) fn new(token_and_payload: String, token_bytes: usize) -> Self {
        Self { token_and_payload, token_bytes }
    }

    pub(crate) fn token(&self) -> &str {
        self.token_and_payload.get(..self.token_bytes).unwrap_or_default()
    }

    pub(crate) fn payload(&self) -> &str {
        self.token_and_payload.get(self.token_bytes..).unwrap_or_default()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.token_and_payload.capacity()
    }

    /// A piece of the payload where it is one, or a text of its own: one that was written with
    /// escapes.
    pub(crate) fn text(&self, text: &str) -> Text {
        let start = text.as_ptr().addr().wrapping_sub(self.payload().as_ptr().addr());
        match self.payload().get(start..start.wrapping_add(text.len())) {
            Some(piece) if ptr::eq(piece, text) => Text::Piece { start, bytes: text.len() },
            _ => Text::Own(text.into()),
        }
    }
}

/// A text of a session.
pub(crate) enum Text {
    /// This much of the payload.
    Piece {
        start: usize,
        bytes: usize,
    },
    Own(Box<str>),
}

impl Text {
    pub(crate) fn of<'a>(&'a self, source: &'a Source) -> &'a str {
        match self {
            Self::Piece { start, bytes } => {
                source.payload().get(*start..*start + *bytes).unwrap_or_default()
            }
            Self::Own(text) => text,
        }
    }

    /// What it takes beside its place in the session.
    pub(crate) fn own_bytes(&self) -> usize {
        match self {
            Self::Piece { .. } => 0,
            Self::Own(text) => text.len(),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Own(Box::default())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Own(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_piece_of_the_payload_or_its_own() {
        let source = Source::new("token{\"id\":\"a\"}".into(), 5);
        assert_eq!((source.token(), source.payload()), ("token", "{\"id\":\"a\"}"));
        let piece = source.text(&source.payload()[7..8]);
        assert!(matches!(piece, Text::Piece { start: 7, bytes: 1 }));
        assert_eq!(piece.of(&source), "a");
        let own = source.text("a");
        assert!(matches!(own, Text::Own(_)));
        assert_eq!(own.of(&source), "a");
    }
}
