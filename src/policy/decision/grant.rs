//! The proof that a policy held.

use std::sync::Arc;

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
    held: Arc<Held>,
}

/// That a policy held for a session, and how long.
///
/// It holds for the session from `since` on. A policy never asks that a factor is missing, so at a
/// later instant no fewer proofs count, and it is the limits alone that can end it. Earlier, a
/// proof that is dated ahead may not count yet.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Held {
    policy: Policy,
    since: Moment,
    /// The last instant at which the policy holds; `None` where no age is limited.
    limit: Option<Moment>,
    /// The end of the session, with the verifier's leeway.
    session_end: Moment,
}

impl Held {
    pub(in crate::policy) fn new(
        policy: Policy,
        since: Moment,
        limit: Option<Moment>,
        session_end: Moment,
    ) -> Self {
        Self { policy, since, limit, session_end }
    }

    pub(in crate::policy) fn is_of(&self, policy: &Policy) -> bool {
        self.policy.is_same_as(policy)
    }

    /// Returns whether the policy is known to hold at an instant, whatever the session's end.
    pub(in crate::policy) fn holds_at(&self, instant: Moment) -> bool {
        self.since <= instant && self.reaches(instant)
    }

    fn reaches(&self, instant: Moment) -> bool {
        self.limit.is_none_or(|limit| instant <= limit)
    }
}

impl Grant {
    pub(in crate::policy) fn new(session: Session, held: Arc<Held>) -> Self {
        Self { session, held }
    }

    /// The session that met the policy.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The policy that was met.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.held.policy
    }

    /// When the grant ends: the policy's limits or the session's end (with the verifier's leeway),
    /// whichever is first.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        let Held { limit, session_end, .. } = *self.held;
        let end = limit.map_or(session_end, |limit| limit.min(session_end));
        // A leeway can carry the end out of the calendar.
        end.date().unwrap_or(self.session.expires_at())
    }

    /// Whether the grant holds at an instant. A policy's limits are inclusive; the session's end is
    /// not, as RFC 7519 has it for `exp`.
    #[must_use]
    pub fn holds_at(&self, instant: OffsetDateTime) -> bool {
        let instant = Moment::from(instant);
        self.held.reaches(instant) && instant < self.held.session_end
    }

    /// When the JWT itself expires (`exp`) and has to be renewed, whatever the policy.
    #[must_use]
    pub fn token_expires_at(&self) -> OffsetDateTime {
        self.session.token_expires_at()
    }

    /// Ends no later than an outer guard's grant.
    #[must_use]
    pub(crate) fn bounded_by(self, outer: &Self) -> Self {
        let (held, bound) = (&*self.held, &*outer.held);
        let limit = held.limit.into_iter().chain(bound.limit).min();
        let session_end = held.session_end.min(bound.session_end);
        if (limit, session_end) == (held.limit, held.session_end) {
            return self;
        }
        Self { held: Arc::new(Held { limit, session_end, ..held.clone() }), ..self }
    }
}

impl AsRef<Session> for Grant {
    fn as_ref(&self) -> &Session {
        &self.session
    }
}
