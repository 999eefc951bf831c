//! Keeps transfers that a guard refused because it demands a step-up.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Form, http};
use tower_step_up::{Rejection, Session};

use crate::bank::Bank;
use crate::order::Draft;

/// The maximum length of a form, in bytes.
const MAX_LENGTH: usize = 4 << 10;

/// Goes between the guard that verifies the session and the guard that demands more. A guard drops
/// the body of a request that it refuses, so this layer reads it first. It keeps the form under
/// this session, so that an attacker with another session of the same user cannot fill it in. A
/// step-up passes the form on to the new session.
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
    if matches!(Rejection::of(&response), Some(Rejection::StepUpRequired(_)))
        && let Ok(Form(draft)) = Form::<Draft>::from_request(copy, &()).await
    {
        bank.drafts.put(session.id(), draft);
    }
    response
}
