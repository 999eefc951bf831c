//! The reasons why a verifier returns no session.

use super::error::TokenError;
use super::revocations::RevocationsUnavailable;
use crate::keys::KeysUnavailable;

/// The reason why a verifier returned no session. Either the token is not valid, or keys or
/// revocations are unavailable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is not valid.
    #[error(transparent)]
    Token(TokenError),
    /// The keys for verifying the token are unavailable.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
    /// The verifier currently cannot tell whether the session was revoked.
    #[error(transparent)]
    RevocationsUnavailable(#[from] RevocationsUnavailable),
}

impl VerifyError {
    /// Returns the stable name of the reason, for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Token(error) => error.reason(),
            Self::KeysUnavailable(_) => "keys_unavailable",
            Self::RevocationsUnavailable(_) => "revocations_unavailable",
        }
    }
}

impl<E: Into<TokenError>> From<E> for VerifyError {
    fn from(error: E) -> Self {
        Self::Token(error.into())
    }
}
