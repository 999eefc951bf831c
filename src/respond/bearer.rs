//! The header `WWW-Authenticate` (RFC 6750, section 3, and RFC 9470, section 3).

use std::fmt::{self, Write as _};

use http::HeaderValue;

use super::refusal::Refusal;
use crate::policy::AuthenticationRequest;

/// The most characters of a text that go into a quoted string.
const MAX_LENGTH: usize = 512;

pub(super) fn bare(realm: &str) -> HeaderValue {
    // The value holds only visible ASCII and spaces, so the fallback is never used.
    HeaderValue::try_from(format!("Bearer realm={}", Quoted(realm)))
        .unwrap_or(HeaderValue::from_static("Bearer"))
}

pub(super) fn challenge(
    realm: &str,
    error: Option<&str>,
    refusal: &Refusal<'_>,
) -> Option<HeaderValue> {
    // Most challenges are shorter.
    let mut value = String::with_capacity(256);
    // Writing to a string cannot fail.
    let _ = write!(value, "Bearer realm={}", Quoted(realm));
    if let Some(error) = error {
        let description = Quoted(&refusal.detail);
        let _ = write!(value, ", error=\"{error}\", error_description={description}");
    }
    authentication_request(&mut value, refusal);
    parameters_of_route(&mut value, refusal);
    HeaderValue::try_from(value).ok()
}

/// Writes the parameters that the route adds to every challenge.
pub(super) fn parameters_of_route(value: &mut String, refusal: &Refusal<'_>) {
    scope(value, refusal);
    resource_metadata(value, refusal);
}

/// Writes `acr_values` and `max_age` (RFC 9470, section 3). An issuer that is asked for factors would
/// not understand them.
fn authentication_request(value: &mut String, refusal: &Refusal<'_>) {
    // A value of `acr` that could not stand in a quoted string cannot be declared.
    for (name, text) in refusal.request.into_iter().flat_map(AuthenticationRequest::parameters) {
        let _ = write!(value, ", {name}=\"{text}\"");
    }
}

/// Writes `scope` (RFC 6750, section 3). It is not shortened, because a client asks for exactly this.
/// No scope contains a character that would need an escape.
fn scope(value: &mut String, refusal: &Refusal<'_>) {
    if let Some(scope) = refusal.scope {
        let _ = write!(value, ", scope=\"{scope}\"");
    }
}

/// Writes `resource_metadata` (RFC 9728, section 5.1).
fn resource_metadata(value: &mut String, refusal: &Refusal<'_>) {
    if let Some(url) = refusal.resource_metadata {
        let _ = write!(value, ", resource_metadata=\"{url}\"");
    }
}

/// A quoted string (RFC 9110, section 5.6.4) of visible ASCII and spaces. `?` replaces any other
/// character.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        if self.0.len() <= MAX_LENGTH
            && self
                .0
                .bytes()
                .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
        {
            f.write_str(self.0)?;
        } else {
            self.write_escaped(f)?;
        }
        f.write_char('"')
    }
}

impl Quoted<'_> {
    fn write_escaped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(MAX_LENGTH).try_for_each(|character| match character {
            '"' | '\\' => write!(f, "\\{character}"),
            ' '..='~' => f.write_char(character),
            _ => f.write_char('?'),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_is_escaped() {
        assert_eq!(Quoted("api").to_string(), r#""api""#);
        assert_eq!(Quoted("a\"b\\c").to_string(), r#""a\"b\\c""#);
        assert_eq!(Quoted("a\r\nSet-Cookie: x\u{7f}\u{e4}").to_string(), r#""a??Set-Cookie: x??""#);
        assert_eq!(Quoted(&"\"".repeat(9_999)).to_string().len(), 2 * MAX_LENGTH + 2);
    }
}
