//! The causes of refused confirmations.

/// The cause of a refused confirmation. A page can choose its text by it, such as "the amount has
/// changed". The log has it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The request names no intent: it is the first one.
    NoIntent,
    /// The intent is not known, is of another user, or was dropped because the proofs confirmed another.
    Unknown,
    /// The intent is for another action: a value has changed.
    OtherAction,
    /// The intent has expired.
    Expired,
    /// A proof is missing, or is not newer than the intent.
    NotProved,
    /// The action was confirmed with this intent already.
    Used,
    /// Since the guard checked the session, it was revoked or has expired, or a limit of the guard's
    /// policy has passed. Or the guard cannot tell now.
    Session,
    /// The store is full or does not respond.
    Unavailable,
}

impl Cause {
    /// Returns the stable name of the cause, for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoIntent => "no_intent",
            Self::Unknown => "unknown",
            Self::OtherAction => "other_action",
            Self::Expired => "expired",
            Self::NotProved => "not_proved",
            Self::Used => "used",
            Self::Session => "session",
            Self::Unavailable => "unavailable",
        }
    }
}
