//! Sessions that the authority has to renew or confirm before the guard decides.

use std::time::Duration;

use time::OffsetDateTime;

use super::decision::{self, Decision};
use super::guard::Guard;
use crate::credentials::Credential;
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::session::Session;
use crate::sessions::authority::can_be_a_session_token;
use crate::sessions::{AuthorityError, Exchanged, Freshness, Presented};
use crate::token::{SessionError, VerifyError};

/// What the authority has to be asked before there is a decision.
pub(super) struct Question {
    presented: Presented,
    freshness: Freshness,
    /// The decision if the authority cannot be asked.
    fallback: Option<Box<Decision>>,
}

/// A remembered answer that does not meet the policy is asked for again when it is so old: a step
/// elsewhere may have changed it.
const SHORTFALL_REMEMBERED: Duration = Duration::from_secs(1);

/// Exchanges an opaque token for a session.
pub(super) fn exchange(
    guard: &Guard,
    outer: Option<&Grant>,
    credential: &Credential<'_>,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    match str::from_utf8(credential.bytes) {
        Ok(token) if can_be_a_session_token(token) => {
            ask_memory(guard, outer, Presented::Token(token.into()), true, now)
        }
        _ => Ok(Decision::refused(Rejection::InvalidToken(SessionError::Unknown.into()))),
    }
}

/// Renews the session of a genuine JWT that is too old.
pub(super) fn renew(
    guard: &Guard,
    outer: Option<&Grant>,
    session: Session,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    ask_memory(guard, outer, Presented::Session(session), true, now)
}

/// Has a session confirmed that would be granted.
pub(super) fn confirm(
    guard: &Guard,
    outer: Option<&Grant>,
    session: Session,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    ask_memory(guard, outer, Presented::Session(session), false, now)
}

/// Decides by a remembered answer, or returns what the authority must be asked.
fn ask_memory(
    guard: &Guard,
    outer: Option<&Grant>,
    presented: Presented,
    renewed: bool,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    let Some(sessions) = &guard.sessions else {
        return Ok(Decision::refused(AuthorityError::unavailable("no authority").into()));
    };
    let mut freshness = Freshness { renewed, confirmed_within: guard.confirmed_within };
    let Some(exchanged) = sessions.known(&presented, freshness) else {
        return Err(Question { presented, freshness, fallback: None });
    };
    let decision = conclude(guard, outer, &presented, exchanged, now);
    if !matches!(decision.granted, Err(Rejection::StepUpRequired(_))) {
        return Ok(decision);
    }
    freshness.confirmed_within =
        freshness.confirmed_within.into_iter().chain([SHORTFALL_REMEMBERED]).min();
    if sessions.known(&presented, freshness).is_some() {
        return Ok(decision);
    }
    let fallback = Some(Box::new(decision));
    Err(Question { presented, freshness, fallback })
}

/// Asks the authority and decides by its answer.
pub(super) async fn ask(guard: &Guard, outer: Option<&Grant>, question: Question) -> Decision {
    let Some(sessions) = &guard.sessions else {
        return Decision::refused(AuthorityError::unavailable("no authority").into());
    };
    let exchanged = sessions.ask(&question.presented, question.freshness).await;
    match (question.fallback, &exchanged) {
        (Some(fallback), Err(AuthorityError::Unavailable { .. })) => *fallback,
        _ => conclude(guard, outer, &question.presented, exchanged, guard.verifier.now()),
    }
}

/// Holds the presented session against the policy, or the renewed one if that is younger.
fn conclude(
    guard: &Guard,
    outer: Option<&Grant>,
    presented: &Presented,
    exchanged: Exchanged,
    now: OffsetDateTime,
) -> Decision {
    let renewed = match exchanged {
        Ok(renewed) => renewed,
        Err(error) => return Decision::refused(error.into()),
    };
    match choose(guard, presented, &renewed.session, now) {
        Ok(Some(session)) => {
            Decision::new(decision::evaluate(guard, outer, session, now).map(Some))
        }
        Ok(None) => {
            let granted = decision::evaluate(guard, outer, &renewed.session, now).map(Some);
            Decision { renewed: Some(renewed), ..Decision::new(granted) }
        }
        Err(error) => Decision::refused(error.into()),
    }
}

/// Returns the presented session if it is the one to judge, and `None` if the renewed one is.
fn choose<'a>(
    guard: &Guard,
    presented: &'a Presented,
    renewed: &Session,
    now: OffsetDateTime,
) -> Result<Option<&'a Session>, VerifyError> {
    let renewed_usable = guard.verifier.check_usable(renewed, now);
    if let Presented::Session(asked) = presented {
        let asked_usable = guard.verifier.check_usable(asked, now);
        // Either of them may have been revoked here meanwhile.
        let revoked = Err(SessionError::Revoked.into());
        if renewed_usable == revoked || asked_usable == revoked {
            return Err(SessionError::Revoked.into());
        }
        let is_same = renewed.id() == asked.id();
        let is_younger = renewed.token_issued_at() > asked.token_issued_at();
        if is_same && asked_usable.is_ok() && (renewed_usable.is_err() || !is_younger) {
            return Ok(Some(asked));
        }
    }
    renewed_usable.map(|()| None)
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
