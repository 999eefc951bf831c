//! Signing out: here at once, and with Stytch.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use tower_step_up::Grant;

use crate::bank::Bank;

pub(crate) async fn send(State(bank): State<Arc<Bank>>, grant: Grant, headers: HeaderMap) -> impl IntoResponse {
    let out = bank.guards.signed_in.sign_out(&grant, &headers).await;
    if let Err(error) = &out.revoked {
        tracing::warn!(%error, "a session has ended here, and not with Stytch");
    }
    bank.drafts.take(grant.session().id());
    bank.decisions.take(grant.session().id());
    (out.cookies, Redirect::to("/"))
}
