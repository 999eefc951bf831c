//! The decision on a request: pass, refuse, or wait.

use std::sync::Arc;

use http::{Extensions, HeaderMap};

use super::case::{Case, Judgement, Verdict};
use super::event;
use super::guard::Guard;
#[cfg(feature = "sessions")]
use super::renewing;
use crate::credentials::{self, Credential};
use crate::policy::Grant;
use crate::rejection::Rejection;
use crate::token::{Attempt, Judged};

/// Stands in the extensions where an optional guard let a request through without credentials.
#[derive(Clone)]
pub(crate) struct Anonymous;

pub(super) fn judge(guard: &Arc<Guard>, headers: &HeaderMap, extensions: &Extensions) -> Judgement {
    match judge_quietly(guard, headers, extensions) {
        Judgement::Decided(verdict) => {
            event::record(&guard.policy, &verdict.outcome);
            Judgement::Decided(verdict)
        }
        Judgement::Wait(verdict) => {
            let guard = Arc::clone(guard);
            Judgement::Wait(Box::pin(async move {
                let verdict = verdict.await;
                event::record(&guard.policy, &verdict.outcome);
                verdict
            }))
        }
    }
}

fn judge_quietly(guard: &Arc<Guard>, headers: &HeaderMap, extensions: &Extensions) -> Judgement {
    let decided = |outcome| Judgement::Decided(Verdict::new(outcome, None));
    let credential = match credentials::find(headers, &guard.sources, guard.renews()) {
        Ok(Some(credential)) => credential,
        Ok(None) if guard.optional => return decided(Ok(None)),
        Ok(None) => return decided(Err(Rejection::NoCredentials)),
        Err(error) => return decided(Err(Rejection::InvalidRequest(error))),
    };
    let outer = extensions.get::<Grant>();
    let case = Case { guard, outer, carrier: credential.carrier, now: guard.verifier.now() };
    #[cfg(feature = "sessions")]
    if credential.carrier.is_opaque() {
        return renewing::exchange(&case, &credential);
    }
    if let Some(known) = case.known(&credential) {
        return case.consider(known);
    }
    let token = match credential.token() {
        Ok(token) => token,
        Err(error) => return case.refused(Rejection::InvalidRequest(error)),
    };
    match guard.verifier.attempt(token, case.now) {
        Attempt::Genuine(judged) => case.consider(judged),
        Attempt::Refused(error) => case.refused(error.into()),
        Attempt::Wait(refresh) => {
            let (guard, token, outer, carrier) =
                (Arc::clone(guard), token.to_owned(), outer.cloned(), case.carrier);
            Judgement::Wait(Box::pin(async move {
                let refreshed = refresh.await;
                let now = guard.verifier.now();
                let case = Case { guard: &guard, outer: outer.as_ref(), carrier, now };
                let judgement = match refreshed
                    .map_err(Into::into)
                    .and_then(|()| guard.verifier.judge_token(&token, now))
                {
                    Ok(judged) => case.consider(judged),
                    Err(error) => case.refused(error.into()),
                };
                match judgement {
                    Judgement::Decided(verdict) => verdict,
                    Judgement::Wait(verdict) => verdict.await,
                }
            }))
        }
    }
}

impl Case<'_> {
    /// The session of this very token, which this verifier has made already: for an outer guard, or
    /// for an earlier request.
    fn known(&self, credential: &Credential<'_>) -> Option<Judged> {
        let verifier = &self.guard.verifier;
        let outer = self
            .outer
            .map(Grant::session)
            .filter(|session| verifier.made(session, credential.bytes));
        let outer = outer.map(|session| verifier.judge(session.clone(), self.now));
        outer.or_else(|| verifier.remembered(credential.bytes, self.now))
    }

    /// A session that is genuine, and may have to be renewed or confirmed.
    fn consider(&self, judged: Judged) -> Judgement {
        let Judged { session, verdict } = judged;
        #[cfg(feature = "sessions")]
        if let Err(error) = &verdict
            && let Some(judgement) = renewing::renew(self, &session, error)
        {
            return judgement;
        }
        let outcome = match verdict {
            Ok(()) => self.decide(&session),
            Err(error) => Err(error.into()),
        };
        #[cfg(feature = "sessions")]
        if let Ok(grant) = &outcome
            && let Some(judgement) = renewing::confirm(self, grant)
        {
            return judgement;
        }
        Judgement::Decided(Verdict::new(outcome.map(Some), Some(self.carrier)))
    }
}

/// Leaves exactly one mark in the request: this guard's.
pub(super) fn mark(extensions: &mut Extensions, grant: Option<Grant>) {
    match grant {
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
