//! The reasons for refusing a token, with the evidence.

mod claims;
mod header;
mod logout;
mod malformed;
mod session;
mod time;

pub use self::claims::{AccessTokenClaim, ClaimsError};
pub use self::header::HeaderError;
pub use self::logout::LogoutTokenError;
pub use self::malformed::{MalformedToken, TokenPart};
pub use self::session::SessionError;
pub use self::time::{TimeClaim, TimeError};

/// The first rule that a refused token broke.
///
/// The verifier checks the rules in this order: the text and the header, the key and the signature,
/// the claims, whether the session was revoked, and the times. The token's age is checked last, so
/// [`TimeError::Expired`] and [`TimeError::TooOld`] mean that the token is only too old.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is not a signed JWT in compact form.
    #[error(transparent)]
    Malformed(#[from] MalformedToken),
    /// The verifier does not accept the header, or the key that it names.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The signature does not match the key and the signed text.
    #[error("the signature is invalid")]
    InvalidSignature,
    /// A claim is missing, unreadable, or not what the verifier expects.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// The session is over.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The token is not valid at this time.
    #[error(transparent)]
    Time(#[from] TimeError),
}

impl TokenError {
    /// Returns the stable name of the broken rule, for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(error) => error.reason(),
            Self::Header(error) => error.reason(),
            Self::InvalidSignature => "token_invalid_signature",
            Self::Claims(error) => error.reason(),
            Self::Session(error) => error.reason(),
            Self::Time(error) => error.reason(),
        }
    }

    /// Returns whether the token is genuine and only too old, so that a renewal helps.
    pub(crate) fn is_renewable(&self) -> bool {
        matches!(self, Self::Time(TimeError::Expired { .. } | TimeError::TooOld { .. }))
    }
}
