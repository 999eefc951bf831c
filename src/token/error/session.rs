//! Sessions that are over.

use time::OffsetDateTime;

/// Why the session of a genuine token is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The session was revoked here; see [`Revocations`](crate::token::Revocations).
    #[error("the session was revoked here")]
    Revoked,
    /// The authority says that no such session is alive, or no session token has the form of the
    /// one that was presented.
    #[error("the session is not alive any more")]
    Unknown,
    /// The session's own end has passed, not only its token's.
    #[error("the session ended at {at}, {} ago", *.now - *.at)]
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
