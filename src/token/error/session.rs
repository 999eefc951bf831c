//! Sessions that are over.

use time::OffsetDateTime;

/// The reason why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The verifier's store reports that the session was revoked. See
    /// [`Revocations`](crate::token::Revocations).
    #[error("the session was revoked in this verifier's store")]
    Revoked,
    /// The authority reports that no such session is alive, or the presented token does not have
    /// the form of a session token. Or the guard demands the authority's confirmation of a session
    /// that the authority does not keep.
    #[error("the session has ended or does not exist")]
    Unknown,
    /// The session itself has ended, not only its token.
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
