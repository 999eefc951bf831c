//! Pieces of what others sent, for logs.

use std::fmt;

/// A short, printable piece of a text that somebody else sent: evidence that is safe to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(Option<Box<str>>);

impl Excerpt {
    pub(crate) fn of(text: Option<&str>) -> Self {
        Self(text.map(printable))
    }

    /// Returns the piece: at most 80 characters of the text, with escapes for all but printable
    /// ASCII. Returns `None` if there was no text.
    ///
    /// ```
    /// use tower_step_up::token::HeaderError;
    /// use tower_step_up::{TokenError, VerifyError, testing};
    ///
    /// let issuer = testing::TestIssuer::new();
    /// let token = issuer.sign(r#"{"alg":"RS256","kid":"another\n"}"#, "{}");
    /// match issuer.verifier().verify_at(&token, testing::NOW) {
    ///     Err(VerifyError::Token(TokenError::Header(HeaderError::UnknownKey(kid)))) => {
    ///         assert_eq!(kid.as_str(), Some(r"another\n"));
    ///     }
    ///     other => panic!("{other:?}"),
    /// }
    /// ```
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// In characters.
const MAX_LENGTH: usize = 80;

/// The beginning of a text, with escapes for all but printable ASCII.
pub(crate) fn printable(text: &str) -> Box<str> {
    text.chars().take(MAX_LENGTH).flat_map(char::escape_default).collect()
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "\"{text}\""),
            None => f.write_str("none"),
        }
    }
}
