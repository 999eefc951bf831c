//! The proof that a policy held.

use std::sync::Arc;

use time::OffsetDateTime;

use super::end::Until;
use crate::moment::Moment;
use crate::policy::types::{Clause, Policy};
use crate::session::Session;

/// The proof that a session met a policy. Cheap to clone.
///
/// Only a [`Policy`] that held creates a grant, in a guard or through [`Policy::evaluate`]. A guard
/// puts its grant into the request's extensions, so a handler that takes a `Grant` cannot run
/// without a guard in front of it. If guards are nested, the handler receives the innermost guard's
/// grant. [`policy`](Self::policy) returns the policy that it proves.
#[derive(Clone, Debug)]
pub struct Grant {
    session: Session,
    held: Arc<Held>,
    /// The grant of an outer guard, unless it neither may end first nor demands more than a session.
    outer: Option<Arc<Self>>,
}

/// A policy that held for a session, and until when it holds.
///
/// The decision is the same for every instant from `since` on, because every dated proof counts by
/// then. Before `since`, a proof dated in the future does not count yet.
#[derive(Debug)]
pub(in crate::policy) struct Held {
    policy: Policy,
    since: Moment,
    until: Until,
}

impl Held {
    pub(in crate::policy) fn new(policy: Policy, since: Moment, until: Until) -> Self {
        Self { policy, since, until }
    }

    pub(in crate::policy) fn is_of(&self, policy: &Policy) -> bool {
        self.policy.is_same_as(policy)
    }

    /// Returns whether the policy is known to hold at an instant, regardless of the session's end.
    pub(in crate::policy) fn holds_at(&self, instant: Moment) -> bool {
        self.since <= instant && self.until.reaches(instant)
    }
}

impl Grant {
    pub(in crate::policy) fn new(session: Session, held: Arc<Held>) -> Self {
        Self { session, held, outer: None }
    }

    /// Returns the session that met the policy.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the policy that was met.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.held.policy
    }

    /// Returns when the grant ends: at the policy's limit, at the session's end (including the
    /// verifier's leeway), or when an outer guard's grant ends, whichever comes first.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        // With the leeway, the end can be later than the last date that `time` supports.
        self.end().date().unwrap_or(self.session.expires_at())
    }

    /// Returns whether the grant holds at an instant. The policy's limit is inclusive. The
    /// session's end is exclusive, as RFC 7519 specifies for `exp`.
    #[must_use]
    pub fn holds_at(&self, instant: OffsetDateTime) -> bool {
        let moment = Moment::from(instant);
        self.held.until.reaches(moment)
            && moment < self.session.end()
            && self.outer.as_ref().is_none_or(|outer| outer.holds_at(instant))
    }

    /// Returns when the JWT itself expires (`exp`) and has to be renewed, whatever the policy.
    #[must_use]
    pub fn token_expires_at(&self) -> OffsetDateTime {
        self.session.token_expires_at()
    }

    /// Returns this grant and those of the guards outside that demand more than a session, the
    /// innermost first.
    fn with_outer(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |grant| grant.outer.as_deref())
    }

    /// Returns those of these grants that are for a session of this issuer.
    pub(in crate::policy) fn of_issuer(&self, issuer: &str) -> impl Iterator<Item = &Self> {
        self.with_outer().filter(move |grant| grant.session().issuer() == issuer)
    }

    /// Limits the grant so that it ends no later than an outer guard's grant.
    #[must_use]
    pub(crate) fn bounded_by(self, outer: &Self) -> Self {
        let outer_matters = outer.held.until < self.held.until
            || outer.session.end() < self.session.end()
            || !matches!(outer.policy().clause(), Clause::Session)
            || outer.outer.is_some();
        match outer_matters {
            true => Self { outer: Some(Arc::new(outer.clone())), ..self },
            false => self,
        }
    }

    fn end(&self) -> Moment {
        let own = self.held.until.limit().unwrap_or(Moment::LAST).min(self.session.end());
        self.outer.as_ref().map_or(own, |outer| own.min(outer.end()))
    }
}

impl AsRef<Session> for Grant {
    fn as_ref(&self) -> &Session {
        &self.session
    }
}
