//! The header `WWW-Authenticate` (RFC 6750, section 3, and RFC 9470, section 3).

use std::fmt::Write as _;

use http::HeaderValue;

use super::answer::{Answer, Challenge};

/// The longest text in quotes, in characters.
const LONGEST: usize = 512;

pub(super) fn challenge(realm: &str, answer: &Answer<'_>) -> Option<HeaderValue> {
    let error = match answer.challenge {
        Challenge::None => return None,
        Challenge::Bare => None,
        Challenge::Error(error) => Some(error),
    };
    let mut value = format!("Bearer realm={}", quoted(realm));
    // Writing to a string cannot fail.
    if let Some(error) = error {
        let _ = write!(value, ", error=\"{error}\", error_description={}", quoted(&answer.detail));
    }
    let policy = answer.shortfall.map(|shortfall| shortfall.policy());
    if let Some(name) = policy.and_then(|policy| policy.name()) {
        let _ = write!(value, ", acr_values={}", quoted(name));
    }
    if let Some(max_age) = policy.and_then(|policy| policy.max_age()) {
        let _ = write!(value, ", max_age=\"{}\"", max_age.as_secs());
    }
    HeaderValue::try_from(value).ok()
}

/// A quoted string (RFC 9110, section 5.6.4) of visible ASCII; anything else is replaced.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars().take(LONGEST) {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_quoted_string() {
        assert_eq!(quoted("api"), r#""api""#);
        assert_eq!(quoted("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quoted("a\r\nSet-Cookie: x\u{7f}\u{e4}"), r#""a??Set-Cookie: x??""#);
        assert_eq!(quoted(&"\"".repeat(9_999)).len(), 2 * LONGEST + 2);
    }
}
