//! The steps from a request to a decision.

use std::pin::Pin;
use std::sync::Arc;

use http::{Extensions, HeaderMap};
use time::OffsetDateTime;

use super::decision::{self, Decision};
use super::guard::Guard;
use super::renewal::{self, Question};
use crate::credentials::{self, Credential, CredentialSource};
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::sessions::Presented;
use crate::token::{GenuineSession, KeyWait, Lookup, VerifyError};

/// The future of a decision that has to wait. It contains neither the service nor the body, so its
/// type does not depend on theirs.
pub(super) type PendingDecision = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// The reason why a decision has to wait.
enum Wait {
    Keys(KeyWait),
    Authority(Question),
}

/// Returns the decision, or its future if it has to wait.
pub(super) fn decide(
    guard: &Arc<Guard>,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Decision, PendingDecision> {
    let credential = match credentials::find(headers, &guard.sources, guard.sessions.is_some()) {
        Ok(Some(credential)) => credential,
        Ok(None) if guard.optional => return Ok(Decision::new(Ok(None))),
        Ok(None) => return Ok(Decision::refused(Rejection::NoCredentials)),
        Err(error) => return Ok(Decision::refused(Rejection::InvalidRequest(error))),
    };
    let by_cookie = credential.source.is_cookie();
    let outer = extensions.get::<Grant>();
    let opaque = || presented_opaque(headers, &guard.sources).filter(|_| by_cookie);
    match look(guard, outer, &credential, opaque) {
        Ok(decision) => Ok(Decision { by_cookie, ..decision }),
        Err(wait) => {
            let (guard, outer, opaque) = (Arc::clone(guard), outer.cloned(), opaque());
            Err(Box::pin(async move {
                let decision = decide_after(&guard, outer.as_ref(), opaque, wait).await;
                Decision { by_cookie, ..decision }
            }))
        }
    }
}

fn presented_opaque(headers: &HeaderMap, sources: &[CredentialSource]) -> Option<Presented> {
    Presented::opaque(credentials::find_opaque_cookie(headers, sources)?)
}

/// Looks the token up and decides, or returns the reason to wait.
#[inline]
fn look(
    guard: &Guard,
    outer: Option<&Grant>,
    credential: &Credential<'_>,
    opaque: impl FnOnce() -> Option<Presented>,
) -> Result<Decision, Wait> {
    let now = guard.verifier.now();
    if let Some(sessions) = guard.sessions.as_ref().filter(|_| credential.source.is_opaque()) {
        return renewal::exchange(guard, sessions, outer, credential, now).map_err(Wait::Authority);
    }
    let outer_session = outer.map(Grant::session);
    match guard.verifier.look_up(credential.bytes, outer_session, now, || credential.text()) {
        Ok(Lookup::Known(known)) => {
            evaluate_session(guard, outer, known, opaque, now).map_err(Wait::Authority)
        }
        Ok(Lookup::Wait(wait)) => Err(Wait::Keys(wait)),
        Err(error) => Ok(Decision::refused(Rejection::InvalidRequest(error))),
    }
}

/// Waits for keys, for the authority, or for keys and then for the authority.
async fn decide_after(
    guard: &Guard,
    outer: Option<&Grant>,
    opaque: Option<Presented>,
    wait: Wait,
) -> Decision {
    let question = match wait {
        Wait::Authority(question) => question,
        Wait::Keys(wait) => {
            let known = wait.retry().await;
            match evaluate_session(guard, outer, known, || opaque, guard.verifier.now()) {
                Ok(decision) => return decision,
                Err(question) => question,
            }
        }
    };
    renewal::ask(guard, outer, question).await
}

/// Evaluates the policy for a session, unless the authority has to be asked first. A session whose
/// JWT has expired may have to be renewed. If the JWT is in a cookie and is too old to be renewed,
/// the guard exchanges the opaque token from the other cookie instead. If the session meets the
/// policy, the authority may still have to confirm it.
#[inline]
fn evaluate_session(
    guard: &Guard,
    outer: Option<&Grant>,
    known: Result<GenuineSession, VerifyError>,
    opaque: impl FnOnce() -> Option<Presented>,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    let GenuineSession { session, usable } = match known {
        Ok(genuine) => genuine,
        Err(error) => return Ok(Decision::refused(error.into())),
    };
    let sessions = guard.sessions.as_ref().filter(|sessions| sessions.keeps(&session));
    match (usable, sessions) {
        (Ok(()), Some(sessions)) if guard.confirmed_within.is_some() => {
            let decision = decision::evaluate(guard, outer, session.clone(), now);
            match decision.granted {
                Ok(_) => renewal::confirm(guard, sessions, outer, session, now),
                Err(_) => Ok(decision),
            }
        }
        (Ok(()), _) => Ok(decision::evaluate(guard, outer, session, now)),
        (Err(VerifyError::Token(error)), Some(sessions)) if error.is_renewable() => {
            let presented = match sessions.can_renew(&session, now) {
                true => Some(Presented::Session(session)),
                false => opaque().map(|token| token.for_user_of(session)),
            };
            match presented {
                Some(presented) => renewal::renew(guard, sessions, outer, presented, now),
                None => Ok(Decision::refused(Rejection::InvalidToken(error))),
            }
        }
        (Err(error), _) => Ok(Decision::refused(error.into())),
    }
}
