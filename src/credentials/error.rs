//! Requests whose token cannot be told.

/// Why it cannot be said which token a request carries: a 400, not a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// More than one Authorization header.
    #[error("more than one Authorization header")]
    SeveralAuthorizations,
    /// The scheme Bearer without one readable token.
    #[error("the Authorization header has no readable Bearer token")]
    UnreadableBearer,
    /// More than one cookie of the configured name, with different values. A site of the same
    /// domain can plant the second; a name that begins with `__Host-` forbids that.
    #[error("more than one session cookie")]
    SeveralCookies,
    /// A cookie of the configured name whose value is not text.
    #[error("the session cookie is not readable")]
    UnreadableCookie,
    /// More than one header with a session token.
    #[error("more than one header with a session token")]
    SeveralSessionTokens,
}

impl CredentialError {
    /// Returns whether it comes again until the browser removes its cookies.
    pub(crate) fn is_about_cookies(self) -> bool {
        matches!(self, Self::SeveralCookies | Self::UnreadableCookie)
    }

    /// The stable name, for logs and metrics.
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
