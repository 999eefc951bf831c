//! Excerpts of untrusted texts and of settings, for logs and errors.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::iter::successors;

/// A short, printable piece of a text that a client or a server sent. It is safe to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(Option<Box<str>>);

impl Excerpt {
    pub(crate) fn of(text: Option<&str>) -> Self {
        Self(text.map(printable))
    }

    /// Returns the first 80 characters of the text or fewer. Quotes, backslashes and everything but
    /// printable ASCII are escaped, and a project's secret is hidden. Returns `None` if there was
    /// no text.
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

/// The maximum length of an excerpt, in characters and before escaping.
const MAX_LENGTH: usize = 80;

/// Returns the beginning of a text. Secrets are hidden, and quotes, backslashes and everything but
/// printable ASCII are escaped.
pub(crate) fn printable(text: &str) -> Box<str> {
    let beginning: String = text.chars().take(MAX_LENGTH).collect();
    without_secrets(&beginning).chars().flat_map(char::escape_default).collect()
}

/// The prefix of a project's secret. A developer may confuse the secret with the project's id, or
/// paste it into an address.
const SECRET: &str = "secret-";

/// Hides a secret in a text that should not contain one. It finds the first word that starts with a
/// secret's prefix, in upper or lower case, and hides that word and everything after it. What
/// follows may belong to the secret.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    let is_inside_a_word = |before: &str| {
        before.ends_with(|end: char| end.is_ascii_alphanumeric() || matches!(end, '-' | '_'))
    };
    let lower = text.to_ascii_lowercase();
    let before = lower
        .match_indices(SECRET)
        .filter_map(|(at, _)| text.get(..at))
        .find(|before| !is_inside_a_word(before));
    match before {
        Some(before) => format!("{before}{SECRET}...").into(),
        None => text.into(),
    }
}

/// Returns the texts of an error and its sources, outermost first.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = successors(Some(error), |error| Error::source(*error));
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "\"{text}\""),
            None => f.write_str("absent or not a string"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_are_hidden() {
        for (text, want) in [
            ("secret-test-a", "secret-..."),
            ("Secret-Live-a==", "secret-..."),
            ("  SECRET-a", "  secret-..."),
            ("https://a.example/secret-test-a/b", "https://a.example/secret-..."),
            ("id:secret-test-a secret-test-b", "id:secret-..."),
            ("ésecret-test-a", "ésecret-..."),
            ("my-secret-a secret-b", "my-secret-a secret-..."),
            ("project-test-a", "project-test-a"),
            ("my-secret-garden.example", "my-secret-garden.example"),
            ("topsecret-a", "topsecret-a"),
            ("secret", "secret"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(text), want, "{text}");
        }
    }

    #[test]
    fn an_absent_text_does_not_read_as_a_value() {
        assert_eq!(Excerpt::of(Some("none")).to_string(), "\"none\"");
        assert_eq!(Excerpt::of(None).to_string(), "absent or not a string");
    }

    #[test]
    fn an_excerpt_of_any_length_hides_secrets() {
        assert_eq!(&*printable("a\nsecret-test-a"), r"a\nsecret-...");
        for length in 0..200 {
            let shown = printable(&format!("{} secret-test-hidden", "a".repeat(length)));
            assert!(!shown.contains('h') && shown.len() <= MAX_LENGTH + 3, "{shown}");
        }
    }
}
