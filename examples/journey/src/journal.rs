//! Records the guards' last decision about each session, for the security page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use time::OffsetDateTime;
use tower_step_up::policy::Explanation;
use tower_step_up::{Clock, Grant, Policy, Rejection, Session};

use crate::bank::Bank;

/// A guard's decision, with its explanation.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) at: OffsetDateTime,
    /// The method and path of the request, such as `POST /transfer`.
    pub(crate) request_line: String,
    pub(crate) policy: String,
    pub(crate) explanation: Explanation,
}

/// Records a grant. Goes inside a guard.
pub(crate) async fn granted(
    State(bank): State<Arc<Bank>>,
    grant: Grant,
    request: Request,
    next: Next,
) -> Response {
    let (session, policy, now) = (grant.session(), grant.policy(), bank.clock.now());
    note(&bank, session, policy, policy.explain(session, now), request_line(&request), now);
    next.run(request).await
}

/// Records a refusal. Goes outside a guard.
pub(crate) async fn refused(
    State(bank): State<Arc<Bank>>,
    request: Request,
    next: Next,
) -> Response {
    let request_line = request_line(&request);
    let response = next.run(request).await;
    if let Some(Rejection::StepUpRequired(shortfall)) = Rejection::of(&response) {
        // For a proof of one action, it leaves out the proofs that are too old for it.
        let explanation = shortfall.explanation().clone();
        let policy = shortfall.policy();
        note(&bank, shortfall.session(), policy, explanation, request_line, shortfall.at());
    }
    response
}

fn note(
    bank: &Bank,
    session: &Session,
    policy: &Policy,
    explanation: Explanation,
    request_line: String,
    at: OffsetDateTime,
) {
    let policy = policy.name().unwrap_or_default().to_owned();
    bank.decisions.put(session.id(), Decision { at, request_line, policy, explanation });
}

fn request_line(request: &Request) -> String {
    format!("{} {}", request.method(), request.uri().path())
}
