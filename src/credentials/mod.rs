//! The places in a request that carry its token.

mod cookie;
mod error;
mod source;

pub use self::error::CredentialError;
pub(crate) use self::source::CookieNames;
pub use self::source::CredentialSource;
pub(crate) use self::source::{SESSION_JWT_COOKIE, SESSION_TOKEN_COOKIE};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{headers, keys};

/// A value that a request carries in a place for tokens.
pub(crate) struct Credential<'a> {
    /// The bytes of the value. They are enough to recognize a token that was verified before.
    pub(crate) bytes: &'a [u8],
    pub(crate) source: &'a CredentialSource,
}

impl<'a> Credential<'a> {
    /// Returns the token as text. A cookie may have any text, even an empty one. Any other token
    /// must be visible ASCII and not empty.
    pub(crate) fn text(&self) -> Result<&'a str, CredentialError> {
        let text = str::from_utf8(self.bytes);
        if self.source.is_cookie() {
            return text.map_err(|_| CredentialError::UnreadableCookie);
        }
        // Without an early exit the loop can check many bytes at once.
        let graphic =
            self.bytes.iter().fold(true, |graphic, byte| graphic & byte.is_ascii_graphic());
        text.ok()
            .filter(|text| graphic && !text.is_empty())
            .ok_or(CredentialError::UnreadableBearer)
    }
}

/// Returns the value of the first source that the request carries, and ignores the others. Sources
/// of opaque tokens are skipped unless `opaque` is set.
pub(crate) fn find<'a>(
    headers: &'a HeaderMap,
    sources: &'a [CredentialSource],
    opaque: bool,
) -> Result<Option<Credential<'a>>, CredentialError> {
    for source in sources.iter().filter(|source| opaque || !source.is_opaque()) {
        if let Some(bytes) = source.find(headers)? {
            return Ok(Some(Credential { bytes, source }));
        }
    }
    Ok(None)
}

/// Finds the opaque token in a cookie, which a request may carry beside a JWT in another cookie.
pub(crate) fn find_opaque_cookie<'a>(
    headers: &'a HeaderMap,
    sources: &[CredentialSource],
) -> Option<&'a [u8]> {
    let mut sources = sources.iter().filter(|source| source.is_opaque() && source.is_cookie());
    sources.find_map(|source| source.find(headers).ok().flatten())
}

/// Marks every header that may carry a token as sensitive. The inner service then keeps it out of
/// `Debug` output and compression tables.
pub(crate) fn mark_sensitive(headers: &mut HeaderMap, sources: &[CredentialSource]) {
    mark_header(headers, &header::AUTHORIZATION);
    mark_header(headers, &header::COOKIE);
    for source in sources {
        if let CredentialSource::SessionTokenHeader(name) = source {
            mark_header(headers, name);
        }
    }
}

fn mark_header(headers: &mut HeaderMap, name: &HeaderName) {
    let any_repeats = headers::any_repeats(headers);
    // Usually there is one value. `try_entry` would make room for a new header even if it stays
    // vacant.
    match headers.get_mut(name) {
        Some(first) => first.set_sensitive(true),
        None => return,
    }
    if any_repeats && let Ok(header::Entry::Occupied(mut values)) = headers.try_entry(name) {
        values.iter_mut().for_each(|value| value.set_sensitive(true));
    }
}

impl CredentialSource {
    /// Returns the value of this source in a request.
    pub(crate) fn find<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> Result<Option<&'a [u8]>, CredentialError> {
        match self {
            Self::Bearer => bearer(headers),
            Self::Cookie(name) | Self::SessionTokenCookie(name) => cookie::find(headers, name),
            Self::SessionTokenHeader(name) => session_token(headers, name),
        }
    }
}

impl CredentialSource {
    /// Returns all values of this source in a request, whether or not they can be tokens.
    pub(crate) fn find_all<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a [u8]> {
        match self {
            Self::Bearer => {
                let values = headers.get_all(header::AUTHORIZATION).into_iter();
                values.filter_map(bearer_token).collect()
            }
            Self::Cookie(name) | Self::SessionTokenCookie(name) => {
                cookie::values(headers, name).collect()
            }
            Self::SessionTokenHeader(name) => {
                let values = headers.get_all(name).into_iter();
                values.map(|value| value.as_bytes().trim_ascii()).collect()
            }
        }
    }

    /// Returns whether a request carries this token in this source.
    pub(crate) fn presents(&self, headers: &HeaderMap, token: &[u8]) -> bool {
        self.find_all(headers).into_iter().any(|value| keys::is_same_secret(value, token))
    }
}

fn session_token<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a [u8]>, CredentialError> {
    let value = headers::at_most_one(headers, name);
    let value = value.ok_or(CredentialError::SeveralSessionTokens)?;
    Ok(value.map(|value| value.as_bytes().trim_ascii()))
}

fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, CredentialError> {
    let value = headers::at_most_one(headers, &header::AUTHORIZATION);
    Ok(value.ok_or(CredentialError::SeveralAuthorizations)?.and_then(bearer_token))
}

fn bearer_token(value: &HeaderValue) -> Option<&[u8]> {
    let value = value.as_bytes().trim_ascii_start();
    let (scheme, rest) = value.split_at_checked("bearer".len())?;
    let is_bearer =
        scheme.eq_ignore_ascii_case(b"bearer") && rest.first().is_none_or(u8::is_ascii_whitespace);
    is_bearer.then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value).expect("a header value"));
        }
        headers
    }

    #[track_caller]
    fn check(lines: &[(&'static str, &[u8])], want: Result<Option<&str>, CredentialError>) {
        let headers = headers(lines);
        let sources = CredentialSource::defaults();
        let got = find(&headers, &sources, false);
        let got = got.and_then(|found| found.map(|it| it.text()).transpose());
        assert_eq!(got, want, "{lines:?}");
    }

    #[test]
    fn only_one_bearer_token_is_accepted() {
        use CredentialError::{SeveralAuthorizations, UnreadableBearer};

        check(&[], Ok(None));
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            check(&[("authorization", format!("{scheme} a.b.c").as_bytes())], Ok(Some("a.b.c")));
        }
        check(&[("authorization", b"Bearer   a.b.c  ")], Ok(Some("a.b.c")));
        check(&[("authorization", b"Bearer\ta.b.c")], Ok(Some("a.b.c")));
        check(&[("authorization", b"Basic dTpw")], Ok(None));
        check(&[("authorization", b"Bearera.b.c")], Ok(None));
        check(&[("authorization", b"")], Ok(None));
        check(&[("authorization", b"Bearer")], Err(UnreadableBearer));
        check(&[("authorization", b"Bearer ")], Err(UnreadableBearer));
        check(&[("authorization", b"Bearer a b")], Err(UnreadableBearer));
        check(&[("authorization", b"Bearer \xff")], Err(UnreadableBearer));
        check(
            &[("authorization", b"Bearer a"), ("authorization", b"Bearer a")],
            Err(SeveralAuthorizations),
        );
        check(
            &[("authorization", b"Basic a"), ("authorization", b"Bearer a")],
            Err(SeveralAuthorizations),
        );
    }

    #[test]
    fn the_first_source_in_the_request_decides() {
        let both: [(_, &[u8]); 2] =
            [("authorization", b"Bearer a"), ("cookie", b"stytch_session_jwt=b")];
        check(&both, Ok(Some("a")));
        let other_scheme: [(_, &[u8]); 2] =
            [("authorization", b"Basic a"), ("cookie", b"stytch_session_jwt=b")];
        check(&other_scheme, Ok(Some("b")));
        let unreadable: [(_, &[u8]); 2] =
            [("authorization", b"Bearer"), ("cookie", b"stytch_session_jwt=b")];
        check(&unreadable, Err(CredentialError::UnreadableBearer));
        let headers = headers(&both);
        let turned = [CredentialSource::cookie("stytch_session_jwt"), CredentialSource::Bearer];
        assert_eq!(
            find(&headers, &turned, false).ok().flatten().map(|it| it.bytes),
            Some(b"b".as_slice())
        );
        assert!(find(&headers, &[], false).is_ok_and(|found| found.is_none()));
    }

    #[test]
    fn an_opaque_token_is_found_after_any_jwt_and_only_if_it_is_useful() {
        let header =
            CredentialSource::SessionTokenHeader(HeaderName::from_static("x-session-token"));
        let sources: Vec<_> = CredentialSource::defaults().into_iter().chain([header]).collect();
        let check =
            |lines: &[(&'static str, &[u8])],
             want: Result<Option<(&CredentialSource, &str)>, CredentialError>| {
                let headers = headers(lines);
                let found = find(&headers, &sources, true)
                    .map(|found| found.map(|it| (it.source, it.bytes)));
                assert_eq!(
                    found,
                    want.map(|found| found.map(|(source, text)| (source, text.as_bytes()))),
                    "{lines:?}"
                );
            };
        check(&[("cookie", b"stytch_session=t")], Ok(Some((&sources[2], "t"))));
        check(
            &[("cookie", b"stytch_session=t; stytch_session_jwt=j")],
            Ok(Some((&sources[1], "j"))),
        );
        check(&[("x-session-token", b" t ")], Ok(Some((&sources[3], "t"))));
        check(
            &[("x-session-token", b"t"), ("authorization", b"Bearer j")],
            Ok(Some((&sources[0], "j"))),
        );
        check(
            &[("cookie", b"stytch_session=t; stytch_session=u")],
            Err(CredentialError::SeveralCookies),
        );
        check(
            &[("x-session-token", b"t"), ("x-session-token", b"t")],
            Err(CredentialError::SeveralSessionTokens),
        );
        let not_of_use = headers(&[("cookie", b"stytch_session=t")]);
        assert!(find(&not_of_use, &sources, false).is_ok_and(|found| found.is_none()));
    }
}
