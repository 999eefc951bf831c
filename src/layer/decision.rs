//! The decision of a guard, and the evaluation of its policy.

use std::sync::Arc;

use time::OffsetDateTime;

use super::guard::Guard;
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::session::Session;
use crate::sessions::Renewed;

/// The decision of a guard about a request.
pub(super) struct Decision {
    /// The grant or the rejection, or `Ok(None)` from an optional guard that found no credentials.
    pub(super) granted: Result<Option<Grant>, Rejection>,
    /// Whether the token came in a cookie.
    pub(super) by_cookie: bool,
    /// The fresh tokens, if the session was renewed.
    pub(super) renewed: Option<Arc<Renewed>>,
}

impl Decision {
    #[inline]
    pub(super) fn new(granted: Result<Option<Grant>, Rejection>) -> Self {
        Self { granted, by_cookie: false, renewed: None }
    }

    pub(super) fn refused(why: Rejection) -> Self {
        Self::new(Err(why))
    }
}

/// Evaluates the policy for a session that may be used.
#[inline]
pub(super) fn evaluate(
    guard: &Guard,
    outer: Option<&Grant>,
    session: Session,
    now: OffsetDateTime,
) -> Decision {
    match guard.policy.evaluate_cached(session, now) {
        Ok(grant) => Decision::new(Ok(Some(match outer {
            Some(outer) => grant.bounded_by(outer),
            None => grant,
        }))),
        Err(shortfall) => Decision::refused(Rejection::StepUpRequired(match &guard.offer {
            Some(offer) => {
                let offered = offer(shortfall.session());
                shortfall.offering(offered)
            }
            None => shortfall,
        })),
    }
}
