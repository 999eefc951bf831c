//! The proof that a policy held.

use time::OffsetDateTime;

use crate::moment::Moment;
use crate::policy::types::Policy;
use crate::session::Session;

/// The proof that a session met a policy; cheap to clone.
///
/// Only [`Policy::evaluate`] makes one. A guard puts its own into the request's extensions, so a
/// handler that takes a `Grant` cannot run without a guard in front of it. It proves *that guard's*
/// policy, and [`policy`](Self::policy) says which.
#[derive(Clone, Debug)]
pub struct Grant {
    session: Session,
    policy: Policy,
    /// The last instant at which the policy holds; `None` where no age is limited.
    limit: Option<Moment>,
    /// The end of the session, with the verifier's leeway.
    session_end: Moment,
}

impl Grant {
    pub(in crate::policy) fn new(session: Session, policy: Policy, limit: Option<Moment>) -> Self {
        let session_end = session.end();
        Self { session, policy, limit, session_end }
    }

    /// The session that met the policy.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The policy that was met.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// When the grant ends: the policy's limits or the session's end (with the verifier's leeway),
    /// whichever is first.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        let end = self.limit.map_or(self.session_end, |limit| limit.min(self.session_end));
        // A leeway can carry the end out of the calendar.
        end.date().unwrap_or(self.session.expires_at())
    }

    /// Whether the grant holds at an instant. A policy's limits are inclusive; the session's end is
    /// not, as RFC 7519 has it for `exp`.
    #[must_use]
    pub fn holds_at(&self, instant: OffsetDateTime) -> bool {
        let instant = Moment::from(instant);
        self.limit.is_none_or(|limit| instant <= limit) && instant < self.session_end
    }

    /// When the JWT itself expires (`exp`) and has to be renewed, whatever the policy.
    #[must_use]
    pub fn token_expires_at(&self) -> OffsetDateTime {
        self.session.token_expires_at()
    }

    /// Ends no later than an outer guard's grant.
    #[must_use]
    pub(crate) fn bounded_by(mut self, outer: &Self) -> Self {
        self.limit = self.limit.into_iter().chain(outer.limit).min();
        self.session_end = self.session_end.min(outer.session_end);
        self
    }
}

impl AsRef<Session> for Grant {
    fn as_ref(&self) -> &Session {
        &self.session
    }
}
