//! The decision on a request: pass, refuse, or wait for keys.

use std::pin::Pin;
use std::sync::Arc;

use http::{Extensions, HeaderMap};
use time::OffsetDateTime;

use super::event;
use super::guard::Guard;
use crate::credentials::{self, Credential};
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::session::Session;
use crate::token::{Attempt, TokenError};

/// What a guard makes of a request.
pub(super) enum Judgement {
    Decided(Result<Pass, Rejection>),
    /// The verdict, boxed; neither the service nor the body is part of it.
    Wait(PendingVerdict),
}

pub(super) type PendingVerdict = Pin<Box<dyn Future<Output = Result<Pass, Rejection>> + Send>>;

/// What a request that may pass carries on.
pub(super) struct Pass {
    /// `None` where an optional guard found no credentials.
    pub(super) grant: Option<Grant>,
    pub(super) by_cookie: bool,
}

/// Stands in the extensions where an optional guard let a request through without credentials.
#[derive(Clone)]
pub(crate) struct Anonymous;

pub(super) fn judge(guard: &Arc<Guard>, headers: &HeaderMap, extensions: &Extensions) -> Judgement {
    let judgement = judge_quietly(guard, headers, extensions);
    if let Judgement::Decided(verdict) = &judgement {
        record(guard, verdict);
    }
    judgement
}

fn judge_quietly(guard: &Arc<Guard>, headers: &HeaderMap, extensions: &Extensions) -> Judgement {
    let outer = extensions.get::<Grant>();
    let credential = match credentials::find(headers, &guard.sources) {
        Ok(Some(credential)) => credential,
        Ok(None) if guard.optional => {
            return Judgement::Decided(Ok(Pass { grant: None, by_cookie: false }));
        }
        Ok(None) => return Judgement::Decided(Err(Rejection::NoCredentials)),
        Err(error) => return Judgement::Decided(Err(Rejection::InvalidRequest(error))),
    };
    let (now, in_cookie) = (guard.verifier.now(), credential.in_cookie);
    if let Some(session) = known_session(guard, &credential, outer, now) {
        let verified = guard.verifier.recheck(&session, now).map(|()| session);
        return Judgement::Decided(decide(guard, verified, now, outer, in_cookie));
    }
    let token = match credential.token() {
        Ok(token) => token,
        Err(error) => return Judgement::Decided(Err(Rejection::InvalidRequest(error))),
    };
    match guard.verifier.attempt(token, now) {
        Attempt::Done(verified) => Judgement::Decided(decide(guard, verified, now, outer, in_cookie)),
        Attempt::Wait(refresh) => {
            let (guard, token, outer) = (Arc::clone(guard), token.to_owned(), outer.cloned());
            Judgement::Wait(Box::pin(async move {
                let refreshed = refresh.await;
                let now = guard.verifier.now();
                let verified = refreshed.map_err(TokenError::from).and_then(|()| guard.verifier.verify_at(&token, now));
                let verdict = decide(&guard, verified, now, outer.as_ref(), in_cookie);
                record(&guard, &verdict);
                verdict
            }))
        }
    }
}

/// The session of this very token, which this verifier has made already: for an outer guard, or for an earlier request.
fn known_session(
    guard: &Guard,
    credential: &Credential<'_>,
    outer: Option<&Grant>,
    now: OffsetDateTime,
) -> Option<Session> {
    let outer = outer.map(Grant::session).filter(|session| guard.verifier.made(session, credential.bytes));
    outer.cloned().or_else(|| guard.verifier.remembered(credential.bytes, now))
}

fn decide(
    guard: &Guard,
    verified: Result<Session, TokenError>,
    now: OffsetDateTime,
    outer: Option<&Grant>,
    by_cookie: bool,
) -> Result<Pass, Rejection> {
    let session = verified?;
    let grant = guard.policy.evaluate(&session, now).map_err(|shortfall| {
        Rejection::StepUpRequired(match &guard.offer {
            Some(offer) => shortfall.offering(offer(&session)),
            None => shortfall,
        })
    })?;
    let grant = match outer {
        Some(outer) => grant.bounded_by(outer),
        None => grant,
    };
    Ok(Pass { grant: Some(grant), by_cookie })
}

fn record(guard: &Guard, verdict: &Result<Pass, Rejection>) {
    event::record(&guard.policy, verdict.as_ref().map(|pass| pass.grant.as_ref()));
}

impl Pass {
    /// Leaves exactly one mark in the request: this guard's.
    pub(super) fn mark(self, extensions: &mut Extensions) {
        match self.grant {
            Some(grant) => {
                extensions.remove::<Anonymous>();
                extensions.insert(grant);
            }
            None => {
                extensions.remove::<Grant>();
                extensions.insert(Anonymous);
            }
        }
    }
}
