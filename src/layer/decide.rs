//! The way from a request to a decision.

use std::pin::Pin;
use std::sync::Arc;

use http::{Extensions, HeaderMap};
use time::OffsetDateTime;

use super::decision::{self, Decision};
use super::guard::Guard;
use super::renewal::{self, Question};
use crate::credentials::{self, Credential};
use crate::keys::Refresh;
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::token::{Genuine, Lookup, VerifyError};

/// A decision that has to wait, in the one box of the slow path. Neither the service nor the body
/// is part of it.
pub(super) type PendingDecision = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// What a decision waits for.
enum Wait {
    Keys { token: String, refresh: Refresh },
    Authority(Question),
}

/// Decides, or returns what has to be awaited.
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
    match look(guard, outer, &credential) {
        Ok(decision) => Ok(Decision { by_cookie, ..decision }),
        Err(wait) => {
            let (guard, outer) = (Arc::clone(guard), outer.cloned());
            Err(Box::pin(async move {
                let decision = decide_after(&guard, outer.as_ref(), wait).await;
                Decision { by_cookie, ..decision }
            }))
        }
    }
}

/// Looks the token up and decides, unless that takes a wait.
#[inline]
fn look(
    guard: &Guard,
    outer: Option<&Grant>,
    credential: &Credential<'_>,
) -> Result<Decision, Wait> {
    let now = guard.verifier.now();
    if credential.source.is_opaque() {
        return renewal::exchange(guard, outer, credential, now).map_err(Wait::Authority);
    }
    let outer_session = outer.map(Grant::session);
    match guard.verifier.look_up(credential.bytes, outer_session, now, || credential.text()) {
        Ok(Lookup::Known(known)) => judge(guard, outer, known, now).map_err(Wait::Authority),
        Ok(Lookup::Wait(refresh)) => match credential.text() {
            Ok(token) => Err(Wait::Keys { token: token.to_owned(), refresh }),
            Err(error) => Ok(Decision::refused(Rejection::InvalidRequest(error))),
        },
        Err(error) => Ok(Decision::refused(Rejection::InvalidRequest(error))),
    }
}

/// Waits for keys, for the authority, or first for the one and then for the other.
async fn decide_after(guard: &Guard, outer: Option<&Grant>, wait: Wait) -> Decision {
    let question = match wait {
        Wait::Authority(question) => question,
        Wait::Keys { token, refresh } => {
            let known = guard.verifier.look_again(&token, refresh).await;
            match judge(guard, outer, known, guard.verifier.now()) {
                Ok(decision) => return decision,
                Err(question) => question,
            }
        }
    };
    renewal::ask(guard, outer, question).await
}

/// Holds a session against the policy. One that is too old may be renewed first, and one that would
/// be granted may have to be confirmed.
#[inline]
fn judge(
    guard: &Guard,
    outer: Option<&Grant>,
    known: Result<Genuine, VerifyError>,
    now: OffsetDateTime,
) -> Result<Decision, Question> {
    let Genuine { session, usable } = match known {
        Ok(genuine) => genuine,
        Err(error) => return Ok(Decision::refused(error.into())),
    };
    match usable {
        Ok(()) => {
            let granted = decision::evaluate(guard, outer, &session, now);
            if granted.is_ok() && guard.confirmed_within.is_some() {
                return renewal::confirm(guard, outer, session, now);
            }
            Ok(Decision::new(granted.map(Some)))
        }
        Err(VerifyError::Token(error)) if error.is_renewable() && guard.sessions.is_some() => {
            renewal::renew(guard, outer, session, now)
        }
        Err(error) => Ok(Decision::refused(error.into())),
    }
}
