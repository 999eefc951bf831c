//! The places in a request where tokens may stand.

use http::HeaderName;

/// A place in a request where a session JWT may stand, or an opaque session token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// `Authorization: Bearer …` (RFC 6750, section 2.1), the scheme in any case. Another scheme is
    /// passed over.
    Bearer,
    /// A cookie of this name.
    Cookie(Box<str>),
    /// A cookie of this name with an opaque session token. Only guards that renew sessions look
    /// there; others pass it over.
    SessionTokenCookie(Box<str>),
    /// A header of this name with an opaque session token; for such guards too.
    SessionTokenHeader(HeaderName),
}

impl CredentialSource {
    /// A cookie of this name. Names are compared as they are. A name that cannot stand in a header
    /// is found in no request, and no cookie of that name is set.
    #[must_use]
    pub fn cookie(name: &str) -> Self {
        Self::Cookie(name.into())
    }

    /// A cookie of this name with an opaque session token. Names are compared as they are.
    #[must_use]
    pub fn session_token_cookie(name: &str) -> Self {
        Self::SessionTokenCookie(name.into())
    }

    /// Stytch's default: the Authorization header, then the cookie `stytch_session_jwt`, then the
    /// cookie `stytch_session`.
    #[must_use]
    pub fn defaults() -> [Self; 3] {
        [
            Self::Bearer,
            Self::cookie(SESSION_JWT_COOKIE),
            Self::session_token_cookie(SESSION_TOKEN_COOKIE),
        ]
    }
}

impl CredentialSource {
    pub(crate) fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_) | Self::SessionTokenCookie(_))
    }

    /// Returns whether an opaque session token stands there, and not a JWT.
    pub(crate) fn is_opaque(&self) -> bool {
        matches!(self, Self::SessionTokenCookie(_) | Self::SessionTokenHeader(_))
    }
}

/// The name that Stytch's SDKs give the cookie with the session JWT.
pub(crate) const SESSION_JWT_COOKIE: &str = "stytch_session_jwt";

/// The name that they give the cookie with the opaque session token.
pub(crate) const SESSION_TOKEN_COOKIE: &str = "stytch_session";

/// What the cookies are called that carry a session's tokens.
#[derive(Clone, Copy)]
pub(crate) struct CookieNames<'a> {
    pub(crate) session_jwt: &'a str,
    pub(crate) session_token: &'a str,
}

impl<'a> CookieNames<'a> {
    /// The first of each that is looked for, or else Stytch's.
    pub(crate) fn of(sources: &'a [CredentialSource]) -> Self {
        let session_jwt = sources.iter().find_map(|source| match source {
            CredentialSource::Cookie(name) => Some(&**name),
            _ => None,
        });
        let session_token = sources.iter().find_map(|source| match source {
            CredentialSource::SessionTokenCookie(name) => Some(&**name),
            _ => None,
        });
        Self {
            session_jwt: session_jwt.unwrap_or(SESSION_JWT_COOKIE),
            session_token: session_token.unwrap_or(SESSION_TOKEN_COOKIE),
        }
    }
}
