//! Sessions that the authority has to renew or confirm before the guard decides.

use std::time::Duration;

use time::OffsetDateTime;

use super::decision::{self, Context, Decision};
use super::guard::Guard;
use crate::rejection::Rejection;
use crate::session::Session;
use crate::sessions::{AuthorityError, Exchanged, Freshness, Presented, Sessions};
use crate::token::{SessionError, VerifyError};

/// A question that the authority has to answer before the guard decides.
pub(super) struct Question {
    sessions: Sessions,
    presented: Presented,
    freshness: Freshness,
    /// How fresh a cached result must be if the authority is unavailable.
    fallback: Freshness,
}

/// How long a cached result is used if it does not meet the policy or lacks scopes. After that the
/// guard asks again, because the user may have stepped up elsewhere.
const SHORTFALL_CACHE_TIME: Duration = Duration::from_secs(1);

/// Renews the session of an opaque token, or of a genuine JWT that has expired.
pub(super) fn renew(
    context: Context<'_>,
    sessions: &Sessions,
    presented: Presented,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    let freshness =
        Freshness { needs_tokens: true, confirmed_within: context.guard.confirmed_within };
    decide_from_cache(context, sessions, presented, freshness, now)
}

/// Requires the authority's confirmation of a session that meets the policy.
pub(super) fn confirm(
    context: Context<'_>,
    sessions: &Sessions,
    session: Session,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    let freshness =
        Freshness { needs_tokens: false, confirmed_within: context.guard.confirmed_within };
    decide_from_cache(context, sessions, Presented::Session(session), freshness, now)
}

/// Decides from a cached result, or returns the question for the authority.
fn decide_from_cache(
    context: Context<'_>,
    sessions: &Sessions,
    presented: Presented,
    fallback: Freshness,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    let question = |presented, freshness| {
        Err(Question { sessions: sessions.clone(), presented, freshness, fallback })
    };
    let Some(exchanged) = sessions.known(&presented, fallback) else {
        return question(presented, fallback);
    };
    let decision = conclude(context, &presented, exchanged, now);
    let falls_short = matches!(
        decision.granted,
        Err(Rejection::StepUpRequired(_) | Rejection::InsufficientScope(_))
    );
    if !falls_short {
        return Ok(decision);
    }
    let freshness = fallback.within(SHORTFALL_CACHE_TIME);
    match sessions.known(&presented, freshness) {
        Some(_) => Ok(decision),
        None => question(presented, freshness),
    }
}

/// Asks the authority and decides from its result, or from a cached one if it is unavailable.
pub(super) async fn ask(context: Context<'_>, question: Question) -> Decision {
    let Question { sessions, presented, freshness, fallback } = question;
    let mut exchanged = sessions.ask(&presented, freshness).await;
    if matches!(exchanged, Err(AuthorityError::Unavailable { .. }))
        && let Some(cached) = sessions.known(&presented, fallback)
    {
        exchanged = cached;
    }
    conclude(context, &presented, exchanged, context.guard.verifier.now())
}

/// Evaluates the policy for the session that [`choose`] selects: the presented or the renewed one.
fn conclude(
    context: Context<'_>,
    presented: &Presented,
    exchanged: Exchanged,
    now: OffsetDateTime,
) -> Decision {
    let renewed = match exchanged {
        Ok(renewed) => renewed,
        Err(error) => return Decision::refused(error.into()),
    };
    // If two tokens are from different users, neither is accepted.
    if !presented.is_about(&renewed.session) {
        return Decision::refused(AuthorityError::UnknownSession.into());
    }
    match choose(context.guard, presented, &renewed.session, now) {
        Ok(Some(session)) => decision::evaluate(context, session.clone(), now),
        Ok(None) => {
            let decision = decision::evaluate(context, renewed.session.clone(), now);
            Decision { renewed: Some(renewed), ..decision }
        }
        Err(error) => Decision::refused(error.into()),
    }
}

/// Returns the presented session if it is the renewed session and still valid, unless the renewed
/// token is newer and valid now. Otherwise returns `None`, and the renewed session counts.
fn choose<'a>(
    guard: &Guard,
    presented: &'a Presented,
    renewed: &Session,
    now: OffsetDateTime,
) -> Result<Option<&'a Session>, VerifyError> {
    let verifier = &guard.verifier;
    verifier.check_revoked(renewed)?;
    let renewed_times = verifier.check_times(renewed, now);
    if let Presented::Session(session) = presented {
        verifier.check_revoked(session)?;
        let is_same = renewed.id() == session.id();
        let is_younger = renewed.token_issued_at() > session.token_issued_at();
        let is_usable = verifier.check_times(session, now).is_ok();
        if is_same && is_usable && (renewed_times.is_err() || !is_younger) {
            return Ok(Some(session));
        }
    }
    renewed_times?;
    Ok(None)
}

impl From<AuthorityError> for Rejection {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::UnknownSession => Self::InvalidToken(SessionError::Unknown.into()),
            AuthorityError::Unavailable { .. } => {
                Self::AuthorityUnavailable { retry_after: error.advised_wait() }
            }
        }
    }
}
