//! The decision of a guard, and the evaluation of its policy.

use std::sync::Arc;

use time::OffsetDateTime;

use super::guard::Guard;
use crate::policy::{Grant, Policy, PolicyError, Shortfall};
use crate::rejection::Rejection;
use crate::resource::InsufficientScope;
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

/// The parts of a decision that are known before the session is.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) guard: &'a Guard,
    /// The grant of an outer guard.
    pub(super) outer: Option<&'a Grant>,
    /// The policy for this request, if the guard demands more than its own.
    pub(super) request_policy: Option<&'a Result<Policy, PolicyError>>,
}

/// Evaluates the policy for a session that may be used, and then checks the scopes of its token. If
/// both fail, the answer is the step-up, and its challenge names the scopes too.
///
/// The cache of a session compares policies by address and has room for few. A policy that was
/// built for one request would only waste that room.
#[inline]
pub(super) fn evaluate(context: Context<'_>, session: Session, now: OffsetDateTime) -> Decision {
    let Context { guard, outer, request_policy } = context;
    if let Err(unavailable) = guard.check_replica() {
        return Decision::refused(Rejection::RevocationsUnavailable(unavailable));
    }
    let evaluated = match request_policy {
        None => guard.policy.evaluate_cached(session, now),
        Some(Ok(policy)) => policy.evaluate(&session, now),
        Some(Err(error)) => return Decision::refused(Rejection::PolicyError(error.clone())),
    };
    match evaluated {
        Ok(grant) => match check_scopes(context, &grant) {
            Ok(()) => Decision::new(Ok(Some(match outer {
                Some(outer) => grant.bounded_by(outer),
                None => grant,
            }))),
            Err(error) => Decision::refused(Rejection::InsufficientScope(error)),
        },
        Err(shortfall) => {
            Decision::refused(Rejection::StepUpRequired(in_context(context, shortfall)))
        }
    }
}

/// Returns a shortfall with what the guards know about the ways to meet it.
fn in_context(context: Context<'_>, shortfall: Shortfall) -> Shortfall {
    let shortfall = context.guard.offered(shortfall);
    match context.outer {
        Some(outer) => shortfall.inside(outer),
        None => shortfall,
    }
}

/// Checks the scopes that this guard requires. An outer guard has checked its own. A new token has to
/// meet the policies again, so a refusal says what to ask for.
#[inline]
fn check_scopes(context: Context<'_>, grant: &Grant) -> Result<(), InsufficientScope> {
    let Some(required) = &context.guard.challenge.scope else { return Ok(()) };
    let request = || grant.authentication_request(context.outer);
    InsufficientScope::check(required, grant.session(), request)
}
