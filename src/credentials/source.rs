//! The places in a request that can carry a token.

use http::HeaderName;

/// A place in a request that can carry a JWT or an opaque session token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// `Authorization: Bearer …` (RFC 6750, section 2.1). The case of the scheme does not matter.
    /// Any other scheme is ignored.
    Bearer,
    /// A cookie with this name that carries a JWT.
    Cookie(Box<str>),
    /// A cookie with this name that carries an opaque session token. Guards read it only if they
    /// renew sessions.
    SessionTokenCookie(Box<str>),
    /// A header with this name that carries an opaque session token. Guards read it only if they
    /// renew sessions.
    SessionTokenHeader(HeaderName),
}

impl CredentialSource {
    /// Returns a source for the JWT in the cookie with exactly this name. If a header
    /// cannot contain the name, no request has such a cookie, and none is ever set.
    #[must_use]
    pub fn cookie(name: &str) -> Self {
        Self::Cookie(name.into())
    }

    /// Returns a source for the opaque session token in the cookie with exactly this name.
    #[must_use]
    pub fn session_token_cookie(name: &str) -> Self {
        Self::SessionTokenCookie(name.into())
    }

    /// Returns the default sources: the Authorization header, then the cookie `stytch_session_jwt`,
    /// then the cookie `stytch_session`. The names are Stytch's defaults.
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

    /// Returns whether this source carries an opaque session token, not a JWT.
    pub(crate) fn is_opaque(&self) -> bool {
        matches!(self, Self::SessionTokenCookie(_) | Self::SessionTokenHeader(_))
    }
}

/// The name that Stytch's SDKs give to the cookie with the session JWT.
pub(crate) const SESSION_JWT_COOKIE: &str = "stytch_session_jwt";

/// The name that Stytch's SDKs give to the cookie with the opaque session token.
pub(crate) const SESSION_TOKEN_COOKIE: &str = "stytch_session";

/// The names of the cookies that carry a session's tokens.
#[derive(Clone, Copy)]
pub(crate) struct CookieNames<'a> {
    pub(crate) session_jwt: &'a str,
    pub(crate) session_token: &'a str,
}

impl<'a> CookieNames<'a> {
    /// Returns the name of the first cookie of each kind among these sources, or else Stytch's
    /// name.
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
