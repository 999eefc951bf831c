//! The decision on a request: pass, refuse, or wait.

use std::pin::Pin;
use std::sync::Arc;

use http::{Extensions, HeaderMap};
use time::OffsetDateTime;

use super::event;
use super::guard::Guard;
#[cfg(feature = "sessions")]
use super::renewing;
use crate::credentials::{self, Carrier, Credential};
use crate::policy::Grant;
use crate::rejection::Rejection;
#[cfg(feature = "sessions")]
use crate::renewal::Renewed;
use crate::session::Session;
use crate::token::{Attempt, Judged};

/// What a guard makes of a request.
pub(super) enum Judgement {
    Decided(Verdict),
    /// The verdict, boxed; neither the service nor the body is part of it.
    Wait(PendingVerdict),
}

pub(super) type PendingVerdict = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// The decision, and what the response has to bring beside.
pub(super) struct Verdict {
    /// No grant where an optional guard found no credentials.
    pub(super) outcome: Result<Option<Grant>, Rejection>,
    /// `None` where the request has no credentials that can be told.
    pub(super) carrier: Option<Carrier>,
    /// The session was renewed: whoever presented its tokens gets fresh ones.
    #[cfg(feature = "sessions")]
    pub(super) renewed: Option<Arc<Renewed>>,
}

/// What a request is judged with, beside its token.
pub(super) struct Case<'a> {
    pub(super) guard: &'a Arc<Guard>,
    pub(super) outer: Option<&'a Grant>,
    pub(super) carrier: Carrier,
    pub(super) now: OffsetDateTime,
}

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
            let (guard, token, outer, carrier) = (Arc::clone(guard), token.to_owned(), outer.cloned(), case.carrier);
            Judgement::Wait(Box::pin(async move {
                let refreshed = refresh.await;
                let now = guard.verifier.now();
                let case = Case { guard: &guard, outer: outer.as_ref(), carrier, now };
                let judgement =
                    match refreshed.map_err(Into::into).and_then(|()| guard.verifier.judge_token(&token, now)) {
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
    /// The session of this very token, which this verifier has made already: for an outer guard, or for an earlier request.
    fn known(&self, credential: &Credential<'_>) -> Option<Judged> {
        let verifier = &self.guard.verifier;
        let outer = self.outer.map(Grant::session).filter(|session| verifier.made(session, credential.bytes));
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

    pub(super) fn refused(&self, why: Rejection) -> Judgement {
        Judgement::Decided(Verdict::new(Err(why), Some(self.carrier)))
    }

    /// What the policy says of a session that may be used.
    pub(super) fn decide(&self, session: &Session) -> Result<Grant, Rejection> {
        let grant = self.guard.policy.evaluate(session, self.now).map_err(|shortfall| {
            Rejection::StepUpRequired(match &self.guard.offer {
                Some(offer) => shortfall.offering(offer(session)),
                None => shortfall,
            })
        })?;
        Ok(match self.outer {
            Some(outer) => grant.bounded_by(outer),
            None => grant,
        })
    }
}

impl Verdict {
    pub(super) fn new(outcome: Result<Option<Grant>, Rejection>, carrier: Option<Carrier>) -> Self {
        Self {
            outcome,
            carrier,
            #[cfg(feature = "sessions")]
            renewed: None,
        }
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
