//! Logout tokens that are refused.

use super::TokenError;

/// The first rule of OpenID Connect Back-Channel Logout 1.0, section 2.6 that a logout token broke,
/// or the reason why its order cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogoutTokenError {
    /// The token broke a rule that other tokens have too. Its text, its header or its signature is
    /// wrong, or its `iss`, `aud`, `iat`, `exp` or `nbf`.
    #[error(transparent)]
    Token(TokenError),
    /// The issuer is a Stytch project. Stytch sends no logout tokens.
    #[error("the issuer is a Stytch project, which sends no logout tokens")]
    Stytch,
    /// `events` is not an object with the member
    /// `http://schemas.openid.net/event/backchannel-logout`, or that member is not an object. ID
    /// tokens and access tokens have no such claim.
    #[error("the token has no logout event")]
    NoEvent,
    /// `nonce` is present. Only ID tokens have it.
    #[error("the token has a nonce, which logout tokens must not have")]
    Nonce,
    /// `jti` is absent, empty or not a string.
    #[error("the token has no jti")]
    NoTokenId,
    /// The claim is present and not a string, or it is empty.
    #[error("the claim {0} is empty or not a string")]
    Unreadable(&'static str),
    /// Neither `sub` nor `sid` is present.
    #[error("the token has neither sub nor sid")]
    NoTarget,
    /// The token has no `sub`, and its `sid` may not be the id of the issuer's sessions.
    #[error(
        "the token names only a session, but this issuer's sessions may have other ids than sid: let \
         the issuer send sub too, or call require_present(\"sid\") if all of its tokens have sid"
    )]
    UnnamedSessions,
}

impl LogoutTokenError {
    /// Returns the stable name of the reason, for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Token(error) => error.reason(),
            Self::Stytch => "logout_of_stytch",
            Self::NoEvent => "logout_no_event",
            Self::Nonce => "logout_nonce",
            Self::NoTokenId => "logout_no_token_id",
            Self::Unreadable(_) => "logout_unreadable_claim",
            Self::NoTarget => "logout_no_target",
            Self::UnnamedSessions => "logout_unnamed_sessions",
        }
    }
}

impl<E: Into<TokenError>> From<E> for LogoutTokenError {
    fn from(error: E) -> Self {
        Self::Token(error.into())
    }
}
