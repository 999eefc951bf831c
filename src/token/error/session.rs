//! Sessions that are over.

use std::fmt;

use time::OffsetDateTime;

/// Why the session of a genuine token is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The session was revoked here; see [`Revocations`](crate::token::Revocations).
    Revoked,
    /// The authority over sessions says that no such session is alive.
    Unknown,
    /// The session's own end has passed, not only its token's.
    Ended {
        /// The session's `expires_at`.
        at: OffsetDateTime,
        /// The time of the decision.
        now: OffsetDateTime,
    },
}

impl SessionError {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Revoked => "session_revoked",
            Self::Unknown => "session_unknown",
            Self::Ended { .. } => "session_ended",
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked => f.write_str("the session was revoked here"),
            Self::Unknown => f.write_str("the session is not alive any more"),
            Self::Ended { at, now } => write!(f, "the session ended at {at}, {} ago", *now - *at),
        }
    }
}
