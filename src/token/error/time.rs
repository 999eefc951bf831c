//! Tokens that are not valid at the time of the decision.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;

/// The reason why a genuine token is not valid at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// `nbf` or `iat` is later than now plus the leeway.
    #[error("{claim} is {at}, {} in the future", *.at - *.now)]
    NotYetValid {
        /// The claim.
        claim: TimeClaim,
        /// The time that it states.
        at: OffsetDateTime,
        /// The time of the decision.
        now: OffsetDateTime,
    },
    /// The token has not expired, but it was issued longer ago than the verifier allows. A renewed
    /// one helps.
    #[error(
        "the token was issued at {issued_at}, {} ago, and the maximum age is {max_age:?}",
        *.now - *.issued_at
    )]
    TooOld {
        /// When the token was issued.
        issued_at: OffsetDateTime,
        /// The maximum age that the verifier allows.
        max_age: Duration,
        /// The time of the decision.
        now: OffsetDateTime,
    },
    /// `exp` has passed. The token is only too old, so a renewed one helps.
    #[error("the token expired at {at}, {} ago", *.now - *.at)]
    Expired {
        /// The time that `exp` states.
        at: OffsetDateTime,
        /// The time of the decision.
        now: OffsetDateTime,
    },
}

impl TimeError {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::NotYetValid { .. } => "token_not_yet_valid",
            Self::TooOld { .. } => "token_too_old",
            Self::Expired { .. } => "token_expired",
        }
    }
}

/// A claim that is a time in seconds since 1970 (RFC 7519, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeClaim {
    /// `exp`
    ExpiresAt,
    /// `iat`
    IssuedAt,
    /// `nbf`
    NotBefore,
}

impl fmt::Display for TimeClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExpiresAt => "exp",
            Self::IssuedAt => "iat",
            Self::NotBefore => "nbf",
        })
    }
}
