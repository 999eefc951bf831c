//! Keeps transfers that were not made, because the bank first asks for a proof.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Form, http};
use tower_step_up::{Rejection, Session};

use crate::bank::Bank;
use crate::bounded::Bounded;
use crate::frame::Frame;
use crate::order::{Draft, Order};
use crate::pages::sign_in;

/// The maximum length of a form, in bytes.
const MAX_LENGTH: usize = 4 << 10;
/// The maximum number of drafts of one session. People fill in forms in several tabs.
const MAX_DRAFTS: usize = 4;

/// The drafts, by session and intent. One that a guard refused has no intent.
pub(crate) struct Drafts(Bounded<Vec<Kept>>);

/// A draft, and why the bank asks for a proof.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) draft: Draft,
    pub(crate) why: Why,
}

/// Why the bank asks for a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The session does not meet the policy of the page.
    Session,
    /// This transfer needs its own proof.
    Amount,
    /// The user has made no new proof since the bank asked for one.
    NoProof,
    /// The transfer is not the one that the bank asked about. These details of it have changed.
    Changed(Vec<&'static str>),
    /// The intent has expired, or its proof was used for another transfer.
    Lapsed,
}

impl Drafts {
    pub(crate) fn new(sessions: usize) -> Self {
        Self(Bounded::new(sessions))
    }

    /// Keeps a draft. It replaces the one with the same intent.
    fn keep(&self, session: &str, kept: Kept) {
        let mut drafts = self.0.find(session).unwrap_or_default();
        drafts.retain(|other| other.draft.intent != kept.draft.intent);
        drafts.truncate(MAX_DRAFTS - 1);
        drafts.insert(0, kept);
        self.0.put(session, drafts);
    }

    /// Keeps a transfer that the user typed before this session began. It is as if a guard had refused
    /// it. Ignores one that is too long.
    pub(crate) fn keep_typed(&self, session: &str, draft: Draft) {
        if draft.pairs().iter().map(|pair| pair.1.len()).sum::<usize>() <= MAX_LENGTH {
            let draft = Draft { intent: String::new(), ..draft };
            self.keep(session, Kept { draft, why: Why::Session });
        }
    }

    /// Returns the draft with this intent. The intent of one that a guard refused is empty.
    pub(crate) fn find(&self, session: &str, intent: &str) -> Option<Kept> {
        self.0.find(session)?.into_iter().find(|kept| kept.draft.intent == intent)
    }

    pub(crate) fn take(&self, session: &str, intent: &str) -> Option<Draft> {
        let mut drafts = self.0.find(session)?;
        let at = drafts.iter().position(|kept| kept.draft.intent == intent)?;
        let kept = drafts.remove(at);
        self.0.put(session, drafts);
        Some(kept.draft)
    }

    /// Passes the drafts of a session on to the one that replaces it.
    pub(crate) fn pass_on(&self, old: &str, new: &str) {
        self.0.rename(old, new);
    }

    /// Returns why the bank asks for a proof with this intent, after a request that named another
    /// one or none.
    fn why(&self, session: &str, draft: &Draft, intent: &str) -> Why {
        match &*draft.intent {
            "" => Why::Amount,
            named if named == intent => Why::NoProof,
            named => {
                let asked = self.find(session, named).and_then(|it| Order::read(&it.draft).ok());
                let changes = asked
                    .zip(Order::read(draft).ok())
                    .map(|(asked, order)| order.changes_from(&asked))
                    .unwrap_or_default();
                if changes.is_empty() { Why::Lapsed } else { Why::Changed(changes) }
            }
        }
    }
}

/// Goes between the guard that verifies the session and the guard that demands more. A guard drops
/// the body of a request that it refuses, so this layer reads it first. It keeps the form under
/// this session, so that an attacker with another session of the same user cannot fill it in. A
/// step-up passes the form on to the new session.
///
/// A handler that asks for a proof of one transfer refuses the request in the same way. The
/// form is then kept with the intent.
pub(crate) async fn keep(
    State(bank): State<Arc<Bank>>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_LENGTH).await else {
        return http::StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let response = next.run(Request::from_parts(parts, bytes.into())).await;
    if let Some(Rejection::StepUpRequired(shortfall)) = Rejection::of(&response)
        && let Ok(Form(draft)) = Form::<Draft>::from_request(copy, &()).await
    {
        let intent = shortfall.intent().unwrap_or_default();
        let why = match intent {
            "" => Why::Session,
            intent => bank.drafts.why(session.id(), &draft, intent),
        };
        let draft = Draft { intent: intent.to_owned(), ..draft };
        bank.drafts.keep(session.id(), Kept { draft, why });
    }
    response
}

/// Goes outside the guard that verifies the session. If a form was sent without one, for example
/// because the user has signed out in another tab, the response is the sign-in page, and its form
/// carries the transfer. The bank itself keeps nothing, so the transfer can only appear in a session
/// that begins with this page.
pub(crate) async fn carry(State(bank): State<Arc<Bank>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_LENGTH).await else {
        return http::StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let frame = Frame::of(&bank, &parts);
    let response = next.run(Request::from_parts(parts, bytes.into())).await;
    let is_without_session = matches!(
        Rejection::of(&response),
        Some(Rejection::NoCredentials | Rejection::InvalidToken(_))
    );
    if response.status() != http::StatusCode::SEE_OTHER || !is_without_session {
        return response;
    }
    match Form::<Draft>::from_request(copy, &()).await {
        Ok(Form(draft)) => sign_in::for_transfer(frame, draft),
        Err(_) => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(amount: &str, intent: &str) -> Draft {
        Draft {
            payee: "Ada".into(),
            account: "HB0001".into(),
            amount: amount.into(),
            intent: intent.into(),
            ..Draft::default()
        }
    }

    fn kept(amount: &str, intent: &str) -> Kept {
        Kept { draft: draft(amount, intent), why: Why::Amount }
    }

    #[test]
    fn a_session_keeps_its_latest_drafts_by_intent() {
        let drafts = Drafts::new(2);
        for intent in ["", "a", "b", "a", "c", "d"] {
            drafts.keep("session", kept("1", intent));
        }
        let known = |intent| drafts.find("session", intent).is_some();
        assert_eq!(["", "a", "b", "c", "d"].map(known), [false, true, true, true, true]);
        assert_eq!(drafts.take("session", "a"), Some(draft("1", "a")));
        assert_eq!(drafts.take("session", "a"), None);
        drafts.pass_on("session", "new");
        assert!(drafts.find("session", "b").is_none() && drafts.find("new", "b").is_some());
    }

    #[test]
    fn the_reason_for_a_proof_tells_a_changed_transfer_from_a_late_one() {
        let drafts = Drafts::new(2);
        drafts.keep("session", kept("1200", "a"));
        for (amount, named, want) in [
            ("1200", "", Why::Amount),
            ("1200", "new", Why::NoProof),
            ("1,200.00", "a", Why::Lapsed),
            ("1300", "a", Why::Changed(vec!["the amount"])),
            ("1300", "unknown", Why::Lapsed),
        ] {
            let why = drafts.why("session", &draft(amount, named), "new");
            assert_eq!(why, want, "{amount} {named:?}");
        }
    }
}
