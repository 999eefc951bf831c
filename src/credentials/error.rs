//! Errors in the credentials of a request.

/// The reason why a guard cannot determine which token a request carries. The guard does not guess;
/// the response is a 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The request has more than one `Authorization` header.
    #[error("more than one Authorization header")]
    SeveralAuthorizations,
    /// The `Authorization` header has the scheme Bearer but not exactly one readable token.
    #[error("the Authorization header has no readable Bearer token")]
    UnreadableBearer,
    /// Two cookies with the configured name have different values. An application on another
    /// subdomain can plant the second one, unless the name begins with `__Host-`.
    #[error("two session cookies with different values")]
    SeveralCookies,
    /// The value of the cookie with the configured name is not UTF-8.
    #[error("the session cookie is not readable")]
    UnreadableCookie,
    /// The request has more than one header with a session token.
    #[error("more than one header with a session token")]
    SeveralSessionTokens,
}

impl CredentialError {
    /// Returns whether the error comes back until the browser removes its cookies.
    pub(crate) fn is_about_cookies(self) -> bool {
        matches!(self, Self::SeveralCookies | Self::UnreadableCookie)
    }

    /// Returns the stable name of the reason, for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::SeveralAuthorizations => "several_authorizations",
            Self::UnreadableBearer => "unreadable_bearer",
            Self::SeveralCookies => "several_cookies",
            Self::UnreadableCookie => "unreadable_cookie",
            Self::SeveralSessionTokens => "several_session_tokens",
        }
    }
}
