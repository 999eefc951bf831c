//! Why a verifier returns no session.

use std::fmt;

use super::error::TokenError;
use super::revocations::RevocationsUnavailable;
use crate::keys::KeysUnavailable;

/// Why a verifier returned no session: the token broke a rule, or the verifier cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token broke a rule.
    Token(TokenError),
    /// The keys to verify it with are not available now.
    KeysUnavailable(KeysUnavailable),
    /// Whether its session was revoked is not known now.
    RevocationsUnavailable(RevocationsUnavailable),
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

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => error.fmt(f),
            Self::KeysUnavailable(error) => error.fmt(f),
            Self::RevocationsUnavailable(error) => error.fmt(f),
        }
    }
}

/// [`Display`](fmt::Display) says what the inner error says, so there is no separate source.
impl std::error::Error for VerifyError {}

impl<E: Into<TokenError>> From<E> for VerifyError {
    fn from(error: E) -> Self {
        Self::Token(error.into())
    }
}

impl From<KeysUnavailable> for VerifyError {
    fn from(error: KeysUnavailable) -> Self {
        Self::KeysUnavailable(error)
    }
}

impl From<RevocationsUnavailable> for VerifyError {
    fn from(error: RevocationsUnavailable) -> Self {
        Self::RevocationsUnavailable(error)
    }
}
