//! The header `WWW-Authenticate` (RFC 6750, section 3, and RFC 9470, section 3).

use std::fmt::Write as _;

use http::HeaderValue;

use crate::rejection::Rejection;
use crate::token::TokenError;

/// The longest description, in bytes.
const LONGEST: usize = 512;

/// `None` where no other credentials would help.
pub(super) fn challenge(realm: &str, why: &Rejection) -> Option<HeaderValue> {
    let mut value = format!("Bearer realm={}", quoted(realm));
    let (error, description) = match why {
        Rejection::NoCredentials => (None, String::new()),
        Rejection::InvalidRequest(error) => (Some("invalid_request"), error.to_string()),
        Rejection::InvalidToken(error) => (Some("invalid_token"), describe(error).to_owned()),
        Rejection::StepUpRequired(shortfall) => (Some("insufficient_user_authentication"), shortfall.to_string()),
        Rejection::KeysUnavailable(_) => return None,
    };
    if let Some(error) = error {
        // Writing to a string cannot fail.
        let _ = write!(value, ", error=\"{error}\", error_description={}", quoted(&description));
    }
    if let Rejection::StepUpRequired(shortfall) = why {
        if let Some(name) = shortfall.policy().name() {
            let _ = write!(value, ", acr_values={}", quoted(name));
        }
        if let Some(max_age) = shortfall.policy().max_age() {
            let _ = write!(value, ", max_age=\"{}\"", max_age.as_secs());
        }
    }
    HeaderValue::try_from(value).ok()
}

/// What a client may know of a refused token.
pub(super) fn describe(error: &TokenError) -> &'static str {
    match error {
        TokenError::Expired { .. } | TokenError::TooOld { .. } => "the session token has expired",
        TokenError::NotYetValid { .. } => "the session token is not valid yet",
        TokenError::SessionEnded { .. } => "the session has ended",
        _ => "the session token is invalid",
    }
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
