//! The health check: whether tokens can be verified now. The JSON contains the last error of the key
//! server, so only operators should reach it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;

use crate::bank::Bank;

pub(crate) async fn show(State(bank): State<Arc<Bank>>) -> impl IntoResponse {
    let verifier = bank.sessions.verifier();
    // A verifier fetches keys when a token needs them, so it may have none yet. If this fails,
    // `health` reports why.
    let _ = verifier.warm_up().await;
    let health = verifier.health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}
