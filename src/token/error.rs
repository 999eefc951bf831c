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

use std::fmt;

/// Why a token was refused: the first rule that it broke.
///
/// The rules are checked in this order: the text and the header, the key and the signature, the
/// claims, whether the session was revoked, and the times. An expired token is reported last, so
/// [`TimeError::Expired`] means that everything else about the token held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is not a signed JWT in compact form.
    Malformed(MalformedToken),
    /// The header, or the key that it names, does not fit the verifier.
    Header(HeaderError),
    /// The signature is not this key's signature over this text.
    InvalidSignature,
    /// A claim is missing, unreadable, or not what the verifier expects.
    Claims(ClaimsError),
    /// The session is over.
    Session(SessionError),
    /// The token is not valid at this time.
    Time(TimeError),
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

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Header(error) => error.fmt(f),
            Self::InvalidSignature => f.write_str("the signature is invalid"),
            Self::Claims(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Time(error) => error.fmt(f),
        }
    }
}

/// [`Display`](fmt::Display) says what the detail says, so there is no separate source.
impl std::error::Error for TokenError {}

/// `From` for each detail, and `Error` for the details.
macro_rules! details {
    ($($variant:ident($detail:ident);)*) => {$(
        impl From<$detail> for TokenError {
            fn from(error: $detail) -> Self {
                Self::$variant(error)
            }
        }

        impl std::error::Error for $detail {}
    )*};
}

details! {
    Malformed(MalformedToken);
    Header(HeaderError);
    Claims(ClaimsError);
    Session(SessionError);
    Time(TimeError);
}
