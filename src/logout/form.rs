//! Reads the logout token from the form in a request's body (section 2.5).

use http::{Method, request};

use super::error::LogoutError;
use crate::headers;

/// The length limit for a body, in bytes. A token has at most 16 KiB.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// Checks everything about a request but its body.
pub(super) fn check_head(head: &request::Parts) -> Result<(), LogoutError> {
    if head.method != Method::POST {
        return Err(LogoutError::Method);
    }
    match headers::has_content_type(&head.headers, "application/x-www-form-urlencoded") {
        true => Ok(()),
        false => Err(LogoutError::ContentType),
    }
}

/// Adds a piece of the body to the pieces before it.
pub(super) fn add(body: &mut Vec<u8>, piece: impl bytes::Buf) -> Result<(), LogoutError> {
    use bytes::BufMut;
    if body.len().saturating_add(piece.remaining()) > MAX_BODY {
        return Err(LogoutError::BodyTooLarge { limit: MAX_BODY });
    }
    body.put(piece);
    Ok(())
}

/// Returns the logout token of a form. The form may have other members.
pub(super) fn token(body: &[u8]) -> Result<String, LogoutError> {
    let members = form_urlencoded::parse(body);
    let mut tokens = members.filter(|(name, _)| name == "logout_token").map(|(_, token)| token);
    match (tokens.next(), tokens.count()) {
        (Some(token), 0) => Ok(token.into_owned()),
        (first, further) => {
            Err(LogoutError::TokenCount { count: usize::from(first.is_some()) + further })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_exactly_one_logout_token() {
        for (body, want) in [
            ("logout_token=a.b.c", Ok("a.b.c")),
            ("other=1&logout_token=a%2Eb+c&more", Ok("a.b c")),
            ("logout_token=", Ok("")),
            ("", Err(0)),
            ("Logout_token=a", Err(0)),
            ("logout_token[]=a", Err(0)),
            ("logout_token=a&logout_token=a", Err(2)),
            ("logout_token=a&logout%5Ftoken=b&logout_token", Err(3)),
            ("{\"logout_token\":\"a\"}", Err(0)),
        ] {
            let got = match token(body.as_bytes()) {
                Ok(token) => Ok(token),
                Err(LogoutError::TokenCount { count }) => Err(count),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(got.as_deref().map_err(|count| *count), want, "{body}");
        }
    }
}
