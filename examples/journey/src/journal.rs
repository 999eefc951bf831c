//! Records the last decision of each session, for the page that explains it.

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
    pub(crate) asked: String,
    pub(crate) policy: String,
    pub(crate) explanation: Explanation,
}

/// Records a grant. Stands inside a guard.
pub(crate) async fn granted(
    State(bank): State<Arc<Bank>>,
    grant: Grant,
    request: Request,
    next: Next,
) -> Response {
    note(&bank, grant.session(), grant.policy(), asked(&request), bank.clock.now());
    next.run(request).await
}

/// Records a refusal. Stands outside a guard.
pub(crate) async fn refused(
    State(bank): State<Arc<Bank>>,
    request: Request,
    next: Next,
) -> Response {
    let asked = asked(&request);
    let response = next.run(request).await;
    if let Some(Rejection::StepUpRequired(shortfall)) = Rejection::of(&response) {
        note(&bank, shortfall.session(), shortfall.policy(), asked, shortfall.at());
    }
    response
}

fn note(bank: &Bank, session: &Session, policy: &Policy, asked: String, at: OffsetDateTime) {
    let explanation = policy.explain(session, at);
    let policy = policy.name().unwrap_or_default().to_owned();
    bank.decisions.put(session.id(), Decision { at, asked, policy, explanation });
}

fn asked(request: &Request) -> String {
    format!("{} {}", request.method(), request.uri().path())
}
