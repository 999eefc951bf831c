//! A request with its token, and what becomes of it.

use std::pin::Pin;
use std::sync::Arc;

use time::OffsetDateTime;

use super::guard::Guard;
use crate::credentials::Carrier;
use crate::policy::Grant;
use crate::rejection::Rejection;
#[cfg(feature = "sessions")]
use crate::renewal::Renewed;
use crate::session::Session;

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

impl Case<'_> {
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
