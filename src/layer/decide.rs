//! The steps from a request to a decision.

use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, HeaderMap};
use time::OffsetDateTime;

use super::decision::{self, Context, Decision};
use super::guard::Guard;
use super::renewal::{self, Question};
use crate::credentials::{self, Credential, CredentialSource};
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::sessions::{Presented, Sessions};
use crate::token::{GenuineSession, KeyWait, Lookup, SessionError, VerifyError};

/// The future of a decision that has to wait. It contains neither the service nor the body, so its
/// type does not depend on theirs.
pub(super) type PendingDecision = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// The credential's session, or the way to find it.
enum Found<'a> {
    Session(GenuineSession),
    /// The session of a JWT whose key is not known yet.
    AfterKeys(KeyWait),
    /// The session of an opaque token, which only the authority knows.
    Opaque(&'a Sessions, Presented),
}

/// The reason why a decision has to wait.
enum Wait {
    Keys(KeyWait),
    Authority(Question),
}

/// Returns the decision, or its future if it has to wait.
///
/// A guard with functions for the request's policy gets the whole `request`. The functions run only
/// if the token is or may be genuine, and before any wait, because the future cannot keep the
/// request.
pub(super) fn decide(
    guard: &Arc<Guard>,
    headers: &HeaderMap,
    extensions: &Extensions,
    request: Option<&Parts>,
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
    let now = guard.verifier.now();
    let found = match look_up(guard, outer, &credential, now) {
        Ok(found) => found,
        Err(why) => return Ok(Decision { by_cookie, ..Decision::refused(why) }),
    };
    let policy = request.map(|request| guard.policy_for(request));
    let context = Context { guard, outer, request_policy: policy.as_ref() };
    match decide_now(context, found, opaque, now) {
        Ok(decision) => Ok(Decision { by_cookie, ..decision }),
        Err(wait) => {
            let (guard, outer, opaque) = (Arc::clone(guard), outer.cloned(), opaque());
            Err(Box::pin(async move {
                let (outer, request_policy) = (outer.as_ref(), policy.as_ref());
                let context = Context { guard: &guard, outer, request_policy };
                let decision = decide_after(context, opaque, wait).await;
                Decision { by_cookie, ..decision }
            }))
        }
    }
}

fn presented_opaque(headers: &HeaderMap, sources: &[CredentialSource]) -> Option<Presented> {
    Presented::opaque(credentials::find_opaque_cookie(headers, sources)?)
}

/// Looks the token up.
#[inline]
fn look_up<'a>(
    guard: &'a Guard,
    outer: Option<&Grant>,
    credential: &Credential<'_>,
    now: OffsetDateTime,
) -> Result<Found<'a>, Rejection> {
    if let Some(sessions) = guard.sessions.as_ref().filter(|_| credential.source.is_opaque()) {
        return match Presented::opaque(credential.bytes) {
            Some(presented) => Ok(Found::Opaque(sessions, presented)),
            None => Err(Rejection::InvalidToken(SessionError::Unknown.into())),
        };
    }
    let outer = outer.map(Grant::session);
    match guard.verifier.look_up(credential.bytes, outer, now, || credential.text()) {
        Ok(Lookup::Known(known)) => Ok(Found::Session(known?)),
        Ok(Lookup::Wait(wait)) => Ok(Found::AfterKeys(wait)),
        Err(error) => Err(Rejection::InvalidRequest(error)),
    }
}

/// Decides, or returns the reason to wait.
#[inline]
fn decide_now(
    context: Context<'_>,
    found: Found<'_>,
    opaque: impl FnOnce() -> Option<Presented>,
    now: OffsetDateTime,
) -> Result<Decision, Wait> {
    match found {
        Found::Session(genuine) => {
            evaluate_session(context, genuine, opaque, now).map_err(Wait::Authority)
        }
        Found::AfterKeys(wait) => Err(Wait::Keys(wait)),
        Found::Opaque(sessions, presented) => {
            renewal::renew(context, sessions, presented, now).map_err(Wait::Authority)
        }
    }
}

/// Waits for keys, for the authority, or for keys and then for the authority.
async fn decide_after(context: Context<'_>, opaque: Option<Presented>, wait: Wait) -> Decision {
    let question = match wait {
        Wait::Authority(question) => question,
        Wait::Keys(wait) => {
            let genuine = match wait.retry().await {
                Ok(genuine) => genuine,
                Err(error) => return Decision::refused(error.into()),
            };
            match evaluate_session(context, genuine, || opaque, context.guard.verifier.now()) {
                Ok(decision) => return decision,
                Err(question) => question,
            }
        }
    };
    renewal::ask(context, question).await
}

/// Evaluates the policy for a session, unless the authority has to be asked first. A session whose
/// JWT has expired may have to be renewed. If the JWT is in a cookie and is too old to be renewed,
/// the guard exchanges the opaque token from the other cookie instead. If the session meets the
/// policy, the authority may still have to confirm it.
#[inline]
fn evaluate_session(
    context: Context<'_>,
    genuine: GenuineSession,
    opaque: impl FnOnce() -> Option<Presented>,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    let GenuineSession { session, usable } = genuine;
    let sessions = context.guard.sessions.as_ref().filter(|sessions| sessions.keeps(&session));
    match (usable, sessions) {
        (Ok(()), Some(sessions)) if context.guard.confirmed_within.is_some() => {
            let decision = decision::evaluate(context, session.clone(), now);
            match decision.granted {
                Ok(_) => renewal::confirm(context, sessions, session, now),
                Err(_) => Ok(decision),
            }
        }
        // Nobody can confirm the session of an issuer whose sessions the authority does not keep.
        (Ok(()), None) if context.guard.confirmed_within.is_some() => {
            Ok(Decision::refused(Rejection::InvalidToken(SessionError::Unknown.into())))
        }
        (Ok(()), _) => Ok(decision::evaluate(context, session, now)),
        (Err(VerifyError::Token(error)), Some(sessions)) if error.is_renewable() => {
            let presented = match sessions.can_renew(&session, now) {
                true => Some(Presented::Session(session)),
                false => opaque().map(|token| token.for_user_of(session)),
            };
            match presented {
                Some(presented) => renewal::renew(context, sessions, presented, now),
                None => Ok(Decision::refused(Rejection::InvalidToken(error))),
            }
        }
        (Err(error), _) => Ok(Decision::refused(error.into())),
    }
}
