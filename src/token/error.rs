//! Every reason to refuse a token, with the evidence.

mod claims;
mod header;
mod malformed;
mod session;
mod time;

pub use self::claims::{AccessTokenClaim, ClaimsError};
pub use self::header::HeaderError;
pub use self::malformed::{MalformedToken, TokenPart};
pub use self::session::SessionError;
pub use self::time::{TimeClaim, TimeError};

/// Why a token was refused: the first rule that it broke.
///
/// The rules are checked in this order: the text and the header, the key and the signature, the
/// claims, whether the session was revoked, and the times. The token's age is checked last, so
/// [`TimeError::Expired`] and [`TimeError::TooOld`] mean that everything else about it held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is not a signed JWT in compact form.
    #[error(transparent)]
    Malformed(#[from] MalformedToken),
    /// The header, or the key that it names, does not fit the verifier.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The signature is not this key's signature over this text.
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

    /// Returns whether the token is genuine and only too old, so that a fresh one helps.
    pub(crate) fn is_renewable(&self) -> bool {
        matches!(self, Self::Time(TimeError::Expired { .. } | TimeError::TooOld { .. }))
    }
}
