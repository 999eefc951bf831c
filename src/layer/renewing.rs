//! Requests whose session has to be renewed or confirmed before it is decided upon.

use std::sync::Arc;
use std::time::Duration;

use super::case::{Case, Judgement, Verdict};
use crate::authority;
use crate::credentials::Credential;
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::renewal::{Failed, Need, Outcome, Question, Renewed};
use crate::session::Session;
use crate::token::TokenError;

/// After so long a remembered answer that falls short is asked for anew: a step elsewhere may have
/// changed it.
const SHORT: Duration = Duration::from_secs(1);

/// An opaque token says nothing by itself.
pub(super) fn exchange(case: &Case<'_>, credential: &Credential<'_>) -> Judgement {
    match str::from_utf8(credential.bytes) {
        Ok(token) if authority::can_be_a_session_token(token) => {
            ask(case, Question::Token(token.into()), true)
        }
        _ => case.refused(TokenError::UnknownSession.into()),
    }
}

/// A genuine JWT that is too old, where the guard renews sessions; `None` where renewal is no help.
pub(super) fn renew(case: &Case<'_>, session: &Session, error: &TokenError) -> Option<Judgement> {
    let helps = matches!(error, TokenError::Expired { .. } | TokenError::TooOld { .. });
    (helps && case.guard.renews()).then(|| ask(case, Question::Session(session.clone()), true))
}

/// A session that would pass, where the guard wants it confirmed.
pub(super) fn confirm(case: &Case<'_>, grant: &Grant) -> Option<Judgement> {
    case.guard.live?;
    Some(ask(case, Question::Session(grant.session().clone()), false))
}

fn ask(case: &Case<'_>, question: Question, tokens: bool) -> Judgement {
    let Some(exchanges) = case.guard.exchanges.clone() else {
        return case.refused(Failed::unavailable().into());
    };
    // What is said where nobody can say more.
    let mut fallback = None;
    let mut need =
        Need { tokens: tokens.then_some(exchanges.renewal.remember), live: case.guard.live };
    if let Some(outcome) = exchanges.known(&question, need) {
        let verdict = conclude(case, &question, outcome);
        if !matches!(verdict.outcome, Err(Rejection::StepUpRequired(_))) {
            return Judgement::Decided(verdict);
        }
        need.live = need.live.into_iter().chain([SHORT]).min();
        if exchanges.known(&question, need).is_some() {
            return Judgement::Decided(verdict);
        }
        fallback = Some(verdict);
    }
    let (guard, outer, carrier) = (Arc::clone(case.guard), case.outer.cloned(), case.carrier);
    Judgement::Wait(Box::pin(async move {
        let outcome = exchanges.ask(&question, need).await;
        if let (Err(Failed::Unavailable(_)), Some(verdict)) = (&outcome, fallback) {
            return verdict;
        }
        let case =
            Case { guard: &guard, outer: outer.as_ref(), carrier, now: guard.verifier.now() };
        conclude(&case, &question, outcome)
    }))
}

/// What the policy says of the session that was presented, or of the renewed one where that is
/// younger.
fn conclude(case: &Case<'_>, question: &Question, outcome: Outcome) -> Verdict {
    let (session, renewed) = match choose(case, question, outcome) {
        Ok(chosen) => chosen,
        Err(why) => return Verdict::new(Err(why), Some(case.carrier)),
    };
    Verdict { outcome: case.decide(&session).map(Some), carrier: Some(case.carrier), renewed }
}

fn choose(
    case: &Case<'_>,
    question: &Question,
    outcome: Outcome,
) -> Result<(Session, Option<Arc<Renewed>>), Rejection> {
    let renewed = outcome?;
    let judge = |session: &Session| case.guard.verifier.judge(session.clone(), case.now).verdict;
    let verdict = judge(&renewed.session);
    match question {
        Question::Token(_) => verdict?,
        Question::Session(asked) => {
            // Either of them may have been revoked here meanwhile.
            let (asked_verdict, revoked) = (judge(asked), Err(TokenError::Revoked));
            if verdict == revoked || asked_verdict == revoked {
                return Err(TokenError::Revoked.into());
            }
            let is_same = renewed.session.id() == asked.id();
            let is_younger = renewed.session.token_issued_at() > asked.token_issued_at();
            if is_same && asked_verdict.is_ok() && (verdict.is_err() || !is_younger) {
                return Ok((asked.clone(), None));
            }
            verdict?;
        }
    }
    Ok((renewed.session.clone(), Some(renewed)))
}

impl From<Failed> for Rejection {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::UnknownSession => TokenError::UnknownSession.into(),
            Failed::Unavailable(unavailable) => Self::AuthorityUnavailable(unavailable),
        }
    }
}
